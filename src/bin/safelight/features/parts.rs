//! A folder of features in parts: files of features, each of a few records. Memory stays that of one part, however many
//! pictures there are, and an interruption costs one part at most.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use safelight::{Error, Result};

use super::file::FeatureFile;
use super::kind::{Header, Kind};
use crate::loading;

/// What files of features in such a folder end with.
const ENDING: &str = ".safetensors";

/// A folder that grows by parts.
pub struct Parts {
    folder: PathBuf,
    /// Names of the parts that are written here begin so: commands with different ones may share the folder.
    prefix: String,
    /// The number of the next part.
    next: usize,
    /// Names of the pictures that are there, those of other prefixes too.
    pub known: HashSet<String>,
    /// Held for as long as this lives, so that two commands never write the same parts.
    _lock: File,
}

impl Parts {
    /// Opens the folder, or makes it. What is there must be of this kind, with captions from the same place.
    pub fn open(folder: &Path, prefix: &str, kind: &Kind, captions_from: Option<&str>) -> Result<Self> {
        let refuse = |path: &Path, message: &str| {
            Err(Error::File { path: path.display().to_string(), message: message.to_owned() })
        };
        if folder.is_file() {
            return refuse(folder, "this is a file, and features of D3 are kept in a folder");
        }
        let failed = |error: std::io::Error| loading::file_error(folder, &error);
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::create(folder.join(format!("{prefix}.lock"))).map_err(failed)?;
        // Where a file system has no locks there are none.
        if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            return refuse(folder, "another command is writing the same part of D3 to it at this moment");
        }
        let mut parts =
            Self { folder: folder.to_owned(), prefix: prefix.to_owned(), next: 0, known: HashSet::new(), _lock: lock };
        for path in list(folder)? {
            let header = Header::read(&path)?;
            kind.require(&header.kind, &path)?;
            if header.captions_from.as_deref() != captions_from {
                return refuse(&path, "its captions were taken with another --captions; name another folder");
            }
            parts.known.extend(header.pictures.into_iter().map(|picture| picture.name));
            parts.next = parts.next.max(parts.number(&path).map_or(0, |number| number + 1));
        }
        Ok(parts)
    }

    /// Adds a part.
    pub fn write(&mut self, part: &FeatureFile) -> Result<()> {
        part.write(&self.folder.join(format!("{}-{:05}{ENDING}", self.prefix, self.next)))?;
        self.next += 1;
        Ok(())
    }

    /// The number of a part of this prefix.
    fn number(&self, path: &Path) -> Option<usize> {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix(&self.prefix)?.strip_prefix('-')?.strip_suffix(ENDING)?.parse().ok()
    }
}

/// The parts in a folder, by name; none where it is a folder of something else.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| loading::file_error(folder, &error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() && path.to_string_lossy().ends_with(ENDING) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
