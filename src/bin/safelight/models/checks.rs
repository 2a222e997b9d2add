//! Whether the files that are read are the ones that were meant, by their SHA-256.

use safelight::clip::checkpoint::SourceHash;
use safelight::{Error, Result};

use super::source::{Source, Stat};

/// The checks of all files of a checkpoint.
pub struct Checks(Vec<Check>);

/// One file as it is read.
pub struct Check {
    pub file: Stat,
    /// Whether the person says what its SHA-256 is.
    told: bool,
    hash: SourceHash,
}

impl Checks {
    /// `headers`: the first bytes of each file, which were read already. `expected` is the person's word; without it
    /// the source's own is taken.
    pub fn new(files: &[Stat], headers: &[Vec<u8>], expected: Option<&str>) -> Result<Self> {
        if expected.is_some() && files.len() != 1 {
            let message = "--sha256 names one file, and this checkpoint has several".to_owned();
            return Err(Error::PackManifest { message });
        }
        let check = |(file, header): (&Stat, &Vec<u8>)| Check {
            file: file.clone(),
            told: expected.is_some(),
            hash: SourceHash::new(&file.name, header, file.bytes, expected.or_else(|| file.sha256())),
        };
        Ok(Self(files.iter().zip(headers).map(check).collect()))
    }

    /// The check of the file with this name.
    pub fn of(&mut self, name: &str) -> Result<&mut Check> {
        let found = self.0.iter_mut().find(|check| check.file.name == name);
        found.ok_or_else(|| Error::WeightsHeader { file: name.to_owned(), message: "it is not there".to_owned() })
    }

    /// What was checked and what was not, in a sentence.
    pub fn words(&self, source: &str) -> Result<String> {
        let known = self.0.iter().all(|check| check.told || check.file.sha256().is_some());
        let checked = self.0.iter().map(|check| check.hash.is_checked()).collect::<Result<Vec<_>>>()?;
        Ok(match (known, checked.into_iter().all(|checked| checked)) {
            (_, true) => "Its files have the SHA-256 that was given for them.".to_owned(),
            (true, false) => {
                "It was read in more than one go, so its SHA-256 was not checked; its source named the same file each time."
                    .to_owned()
            }
            (false, false) => {
                format!("No SHA-256 is given for {source}, so whether it is what was published was not checked.")
            }
        })
    }
}

impl Check {
    /// Goes to `start`. What an earlier run has read is read again only where the person gave a hash: of a
    /// hub the tag says that it is still the same file, and a second download of gigabytes would say no more.
    pub fn catch_up(&mut self, source: &mut dyn Source, start: u64) -> Result<()> {
        while self.hash.at() < start && self.told {
            let mut bytes = Vec::new();
            let at = self.hash.at();
            let read = source.open(&self.file, at, start.min(at + (1 << 20)))?.read_to_end(&mut bytes);
            match read {
                Ok(read) if read > 0 => self.hash.update(&bytes),
                Ok(_) => return Err(self.broken("the connection ended early".to_owned())),
                Err(error) => return Err(self.broken(error.to_string())),
            }
        }
        self.hash.go_to(start);
        Ok(())
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    /// Compares, where the file was read to its end.
    pub fn end(&self) -> Result<()> {
        self.hash.is_checked().map(|_| ())
    }

    fn broken(&self, message: String) -> Error {
        Error::Network { what: self.file.name.clone(), message }
    }
}
