//! Other programs: find one, run one, and say in a sentence what went wrong.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// `program` with `arguments`, to be run in `root`.
pub fn command<S: AsRef<OsStr>>(root: &Path, program: &str, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root).env("PATH", search_path());
    command
}

/// Runs to the end; an error if it cannot start or does not end well.
pub fn run(command: &mut Command) -> Result<()> {
    // What other programs say is news for people; the standard output is for results.
    let status =
        command.stdout(io::stderr()).status().with_context(|| format!("`{}` cannot be started", words(command)))?;
    ensure!(status.success(), "`{}` ended with {status}", words(command));
    Ok(())
}

/// The standard output of a short command, or nothing if it cannot start or does not end well.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).env("PATH", search_path()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where `program` lies on the search path.
pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&search_path()).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Where tools are installed for this project alone: `safelight/tools` in the user's cache folder.
pub fn own_tools() -> Result<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|cache| cache.is_absolute());
    let cache = cache.or_else(|| Some(env::home_dir()?.join(".cache"))).context("There is no home folder")?;
    Ok(cache.join("safelight/tools"))
}

/// The user's search path, behind [`own_tools`].
fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = own_tools().map(|tools| tools.join("bin"));
    env::join_paths(own.into_iter().chain(env::split_paths(&path))).unwrap_or(path)
}

/// The command as a person would type it.
fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
