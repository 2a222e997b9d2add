//! Where a checkpoint's files lie.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safelight::clip::checkpoint::{Part, files_of_index};
use safelight::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::loading;

/// The one weight file of most checkpoints.
const WHOLE: &str = "model.safetensors";

/// What is known of a file before it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    pub name: String,
    pub bytes: u64,
    /// Changes when the file does: the hub's `ETag`, or the time of a file's last change.
    pub tag: String,
}

impl Stat {
    /// The file's SHA-256, where the tag is one (as the hub's are).
    pub fn sha256(&self) -> Option<&str> {
        Some(self.tag.trim_matches('"'))
            .filter(|tag| tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

/// A checkpoint's files.
pub trait Source {
    /// What it is, for people: the pack says it.
    fn words(&self) -> String;

    /// A small file, whole; `None` where there is none of that name.
    fn text(&mut self, name: &str) -> Result<Option<String>>;

    /// A file's length and tag.
    fn stat(&mut self, name: &str) -> Result<Stat>;

    /// Bytes `start..end` of a file; a reader that ends early is not an error yet.
    fn open(&mut self, file: &Stat, start: u64, end: u64) -> Result<Box<dyn Read>>;

    /// The weight files, in the order in which they are read.
    fn files(&mut self) -> Result<Vec<String>> {
        match self.text(&format!("{WHOLE}.index.json"))? {
            Some(index) => files_of_index(&index),
            None => Ok(vec![WHOLE.to_owned()]),
        }
    }
}

/// The header of a weight file, and its bytes.
pub fn part(source: &mut dyn Source, file: &Stat) -> Result<(Part, Vec<u8>)> {
    let mut first = |bytes: u64| -> Result<Vec<u8>> {
        let mut head = Vec::new();
        let end = bytes.min(file.bytes);
        let broken = |message: String| Error::Network { what: file.name.clone(), message };
        if end > 0 {
            let read = source.open(file, 0, end)?.read_to_end(&mut head);
            read.map_err(|error| broken(error.to_string()))?;
        }
        if head.len() as u64 == end { Ok(head) } else { Err(broken("the connection ended early".to_owned())) }
    };
    let length = Part::header_bytes(&file.name, &first(8)?)?;
    let head = first(length as u64)?;
    Ok((Part::read(&file.name, &head, file.bytes)?, head))
}

/// A folder on this machine, or one file in it.
pub struct Folder {
    folder: PathBuf,
    /// The one file, where it was named.
    file: Option<String>,
}

impl Folder {
    /// `path`: the folder, or a safetensors file beside its `config.json`.
    pub fn new(path: &Path) -> Self {
        if path.is_dir() {
            return Self { folder: path.to_owned(), file: None };
        }
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self { folder: path.parent().map(Path::to_owned).unwrap_or_default(), file }
    }
}

impl Source for Folder {
    fn words(&self) -> String {
        let folder = fs::canonicalize(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        format!("{} of the folder {name}", self.file.as_deref().unwrap_or(WHOLE))
    }

    fn text(&mut self, name: &str) -> Result<Option<String>> {
        let path = self.folder.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(loading::file_error(&path, &error)),
        }
    }

    fn files(&mut self) -> Result<Vec<String>> {
        if let Some(file) = &self.file {
            if file.ends_with(".index.json") {
                return files_of_index(&self.text(&file.clone())?.unwrap_or_default());
            }
            return Ok(vec![file.clone()]);
        }
        let index = if self.folder.join(WHOLE).is_file() { None } else { self.text(&format!("{WHOLE}.index.json"))? };
        index.map_or_else(|| Ok(vec![WHOLE.to_owned()]), |index| files_of_index(&index))
    }

    fn stat(&mut self, name: &str) -> Result<Stat> {
        let path = self.folder.join(name);
        let found = fs::metadata(&path).map_err(|error| loading::file_error(&path, &error))?;
        let changed = found.modified().map_err(|error| loading::file_error(&path, &error))?;
        Ok(Stat { name: name.to_owned(), bytes: found.len(), tag: format!("{changed:?}") })
    }

    fn open(&mut self, file: &Stat, start: u64, end: u64) -> Result<Box<dyn Read>> {
        let path = self.folder.join(&file.name);
        let opened = File::open(&path).and_then(|mut file| file.seek(SeekFrom::Start(start)).map(|_| file));
        let opened = opened.map_err(|error| loading::file_error(&path, &error))?;
        Ok(Box::new(opened.take(end - start)))
    }
}

/// `config.json` of a source.
pub fn config(source: &mut dyn Source) -> Result<String> {
    source.text("config.json")?.ok_or_else(|| Error::PackManifest {
        message: "there is no config.json beside the weights, which says what shape the model has".to_owned(),
    })
}
