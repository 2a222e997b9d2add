//! Tools from crates.io, each at one pinned version.
//!
//! A tool of that version on the search path is used as it is. One of another version is left alone:
//! ours goes to [`own_tools`], which comes first on the path and which all checkouts share.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Purpose;
use crate::command::{command, output, own_tools, run};

struct Tool {
    /// The program; it answers `--version`.
    program: &'static str,
    package: &'static str,
    version: Version,
    /// Further arguments for `cargo install`.
    arguments: &'static [&'static str],
    purpose: Purpose,
}

enum Version {
    Exactly(&'static str),
    /// That of this library in `Cargo.lock`, which the tool must equal.
    Of(&'static str),
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "wasm-bindgen",
        package: "wasm-bindgen-cli",
        version: Version::Of("wasm-bindgen"),
        // Not --locked: its lock names a version that crates.io no longer has.
        arguments: &[],
        purpose: Purpose::Site,
    },
    Tool {
        program: "trunk",
        package: "trunk",
        version: Version::Exactly("0.21.14"),
        // Without its lock it does not compile; its TLS and update check are not needed offline.
        arguments: &["--locked", "--no-default-features"],
        purpose: Purpose::Site,
    },
    Tool {
        program: "wasm-pack",
        package: "wasm-pack",
        version: Version::Exactly("0.15.1"),
        arguments: &["--locked"],
        purpose: Purpose::Tests,
    },
    Tool {
        program: "geckodriver",
        package: "geckodriver",
        version: Version::Exactly("0.37.1"),
        arguments: &["--locked"],
        purpose: Purpose::Tests,
    },
];

/// Build settings for tools: they run for seconds, so compiling them quickly counts for more than their speed.
const QUICK_BUILD: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];

/// Installs the tools that `purpose` needs, where no program of the pinned version is there.
pub fn ensure(root: &Path, purpose: Purpose) -> Result<()> {
    // One build folder, so that what the tools have in common is compiled once.
    let build = root.join("target/tools");
    for tool in TOOLS.iter().filter(|tool| tool.purpose == Purpose::Site || purpose == Purpose::Tests) {
        let version = match tool.version {
            Version::Exactly(version) => version.to_owned(),
            Version::Of(library) => locked_version(&fs::read_to_string(root.join("Cargo.lock"))?, library)?,
        };
        if installed_version(tool.program).as_ref() == Some(&version) {
            continue;
        }
        eprintln!("installing {} {version}: minutes, once", tool.package);
        let mut install = command(root, "cargo", ["install", "--quiet", "--version", &version]);
        install.arg("--root").arg(own_tools()?).args(tool.arguments).arg(tool.package);
        run(install.envs(QUICK_BUILD.iter().copied()).env("CARGO_TARGET_DIR", &build))?;
    }
    if build.exists() {
        // Gigabytes that nobody needs again.
        fs::remove_dir_all(build)?;
    }
    Ok(())
}

/// `trunk 0.21.14` → `0.21.14`, from the first line of `--version`.
fn installed_version(program: &str) -> Option<String> {
    Some(output(program, &["--version"])?.split_whitespace().nth(1)?.to_owned())
}

/// The version of `package` in the text of a `Cargo.lock`.
fn locked_version(lock: &str, package: &str) -> Result<String> {
    let version = lock
        .split("[[package]]")
        .find(|entry| entry.contains(&format!("\nname = \"{package}\"\n")))
        .and_then(|entry| entry.lines().find_map(|line| line.strip_prefix("version = \"")))
        .and_then(|version| version.strip_suffix('"'));
    Ok(version.with_context(|| format!("Cargo.lock has no {package}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::locked_version;

    #[test]
    fn the_command_line_tool_follows_the_locked_library() {
        let lock = "version = 4\n\n[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.1\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"registry\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").unwrap(), "0.2.130");
        assert!(locked_version(lock, "trunk").is_err());
    }
}
