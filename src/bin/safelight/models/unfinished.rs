//! A pack that is not whole yet. It grows in a folder of its own and takes its place in one step, so there
//! is never half a pack under a pack's name.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use safelight::clip::checkpoint::Converter;
use safelight::clip::pack::Manifest;
use safelight::{Error, Result};
use serde::{Deserialize, Serialize};

use super::source::Stat;
use crate::loading;

/// Names of these folders begin so.
pub const PREFIX: &str = ".adding-";

const JOURNAL: &str = "journal.json";

/// Bytes after which what was written is made safe on the disk, and the journal says so.
const SAFE: u64 = 64 << 20;

/// What a pack is made from. One that was begun from something else is begun again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub int8: bool,
    pub config: String,
    pub files: Vec<Stat>,
}

#[derive(Serialize, Deserialize)]
struct Journal {
    origin: Origin,
    /// Bytes of the weight file that are safe on the disk.
    written: u64,
}

pub struct Unfinished {
    folder: PathBuf,
    /// Where it will lie.
    place: PathBuf,
    journal: Journal,
    file: File,
    unsafe_bytes: u64,
    /// Held for as long as this lives, so that two commands never write to one pack.
    _lock: File,
}

impl Unfinished {
    /// Begins the pack `id`, or goes on with it.
    pub fn open(packs: &Path, id: &str, origin: Origin) -> Result<Self> {
        let place = packs.join(id);
        if place.exists() {
            let message = format!("a model called {id} is there already; remove it first, or give another --name");
            return Err(Error::PackManifest { message });
        }
        let folder = packs.join(format!("{PREFIX}{id}"));
        let failed = |error: std::io::Error| loading::file_error(&folder, &error);
        fs::create_dir_all(&folder).map_err(failed)?;
        let lock = File::create(folder.join("lock")).map_err(failed)?;
        if lock.try_lock().is_err() {
            return Err(Error::PackManifest { message: format!("another command is adding {id} at this moment") });
        }
        let known: Option<Journal> =
            fs::read(folder.join(JOURNAL)).ok().and_then(|json| serde_json::from_slice(&json).ok());
        let written = known.filter(|known| known.origin == origin).map_or(0, |known| known.written);
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let file = options.open(folder.join("model.safetensors")).map_err(failed)?;
        let written = written.min(file.metadata().map_err(failed)?.len());
        let journal = Journal { origin, written };
        Ok(Self { folder, place, journal, file, unsafe_bytes: 0, _lock: lock })
    }

    /// Bytes of the weight file that there are.
    pub fn written(&self) -> u64 {
        self.journal.written
    }

    /// Drops what the converter does not keep, and shows it the rest.
    pub fn hand_over(&mut self, converter: &mut Converter) -> Result<()> {
        let kept = converter.kept();
        let cut = self.file.set_len(kept);
        cut.map_err(|error| self.failed(&error))?;
        let mut chunk = vec![0; 1 << 20];
        let mut left = kept;
        while left > 0 {
            let read = self.file.read(&mut chunk).map_err(|error| self.failed(&error))?;
            if read == 0 {
                return Err(self.failed(&std::io::ErrorKind::UnexpectedEof.into()));
            }
            converter.rehash(chunk.get(..read).unwrap_or_default());
            left -= read as u64;
        }
        self.journal.written = kept;
        self.note()
    }

    /// Appends to the weight file.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| self.failed(&error))?;
        self.unsafe_bytes += bytes.len() as u64;
        if self.unsafe_bytes >= SAFE { self.save() } else { Ok(()) }
    }

    /// Makes what was written safe, and notes how much it is.
    pub fn save(&mut self) -> Result<()> {
        let synced = self.file.sync_data();
        synced.map_err(|error| self.failed(&error))?;
        self.journal.written += std::mem::take(&mut self.unsafe_bytes);
        self.note()
    }

    /// What it is made from cannot be used: nothing of it is left.
    pub fn discard(self) -> Result<()> {
        std::fs::remove_dir_all(&self.folder).map_err(|error| loading::file_error(&self.folder, &error))
    }

    /// The pack is whole: it takes its place, with its own tokenizer where it has one.
    pub fn finish(self, manifest: &Manifest, tokenizer: Option<&str>) -> Result<PathBuf> {
        let synced = self.file.sync_all();
        synced.map_err(|error| self.failed(&error))?;
        if let (Some(own), Some(json)) = (&manifest.tokenizer, tokenizer) {
            loading::write(&self.folder.join(&own.name), json.as_bytes())?;
        }
        loading::write(&self.folder.join("pack.json"), manifest.to_json()?.as_bytes())?;
        for name in [JOURNAL, "lock"] {
            let _ = fs::remove_file(self.folder.join(name)); // a pack is one without them
        }
        let renamed = fs::rename(&self.folder, &self.place);
        renamed.map_err(|error| loading::file_error(&self.place, &error))?;
        Ok(self.place)
    }

    fn note(&self) -> Result<()> {
        let json = serde_json::to_vec(&self.journal)
            .map_err(|error| Error::File { path: JOURNAL.to_owned(), message: error.to_string() })?;
        loading::write(&self.folder.join(JOURNAL), &json)
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        loading::file_error(&self.folder.join("model.safetensors"), error)
    }
}
