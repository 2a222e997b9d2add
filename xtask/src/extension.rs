//! `cargo xtask extension`: the browser extension, around the engine of the built site.
//!
//!     dist/ (worker, wasm, models) + www/extension/ ─ build.mjs ─ target/extension/{chromium,firefox}/ ─ one zip each

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::command::{command, run};

const BROWSERS: [&str; 2] = ["chromium", "firefox"];

/// Makes both folders from the site in `dist/`, and a zip of each beside them; returns where they lie.
pub fn build(root: &Path) -> Result<PathBuf> {
    let out = root.join("target/extension");
    run(command(root, "node", ["www/build.mjs", "--extension"]).arg(root.join("dist")).arg(&out))?;
    for browser in BROWSERS {
        let archive = out.join(format!("safelight-{browser}.zip"));
        zip(&out.join(browser), &archive).with_context(|| format!("{} was not written", archive.display()))?;
    }
    Ok(out)
}

/// Mozilla's own linter, which counts a warning as an error here.
pub fn lint(root: &Path) -> Result<()> {
    let source = root.join("target/extension/firefox");
    let arguments = ["web-ext", "lint", "--no-config-discovery", "--warnings-as-errors", "--source-dir"];
    run(command(root, "npx", arguments).arg(source))
}

/// The files of `folder`, by name, with nothing of this machine or this day: equal folders give equal bytes.
fn zip(folder: &Path, archive: &Path) -> Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new(BufWriter::new(File::create(archive)?));
    for name in files(folder, Path::new(""))? {
        writer.start_file(name.as_str(), options)?;
        io::copy(&mut File::open(folder.join(&name))?, &mut writer)?;
    }
    writer.finish()?;
    Ok(())
}

/// Paths relative to `folder` of all files beneath it, with `/`, sorted.
fn files(folder: &Path, beneath: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.join(beneath))? {
        let entry = entry?;
        let path = beneath.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            found.extend(files(folder, &path)?);
        } else {
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            found.push(parts.join("/"));
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn equal_folders_give_equal_archives() {
        let place = tempfile::tempdir().unwrap();
        let archive = |name: &str, order: [&str; 3]| {
            let folder = place.path().join(name);
            fs::create_dir_all(folder.join("models/heads")).unwrap();
            for file in order {
                fs::write(folder.join(file), file.repeat(1000)).unwrap();
            }
            let archive = place.path().join(format!("{name}.zip"));
            zip(&folder, &archive).unwrap();
            fs::read(archive).unwrap()
        };
        let first = archive("one", ["worker.js", "models/heads/a", "manifest.json"]);
        let second = archive("two", ["models/heads/a", "manifest.json", "worker.js"]);
        assert_eq!(first, second);

        let mut read = zip::ZipArchive::new(io::Cursor::new(first)).unwrap();
        let names: Vec<_> =
            (0..read.len()).map(|index| read.by_index(index).unwrap().name().unwrap().into_owned()).collect();
        assert_eq!(names, ["manifest.json", "models/heads/a", "worker.js"]);
        let file = read.by_name("worker.js").unwrap();
        assert_eq!(file.size(), 9000);
        assert_eq!(file.last_modified(), Some(DateTime::default()));
    }
}
