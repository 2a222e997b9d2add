//! Whether the files that were read are the ones that were meant, by their SHA-256.

use std::io::Read;

use safelight::{Error, Result};
use sha2::{Digest, Sha256};

use super::source::{Source, Stat};

/// The checks of all files of a checkpoint.
pub struct Checks(Vec<Check>);

/// One file as it is read.
pub struct Check {
    pub file: Stat,
    /// What the person says its SHA-256 is.
    expected: Option<String>,
    /// The hash of the first `at` bytes; `None` where some of them were read by an earlier run.
    hash: Option<Sha256>,
    at: u64,
}

impl Checks {
    /// `headers`: the first bytes of each file, which were read already.
    pub fn new(files: &[Stat], headers: &[Vec<u8>], expected: Option<&str>) -> Result<Self> {
        if expected.is_some() && files.len() != 1 {
            let message = "--sha256 names one file, and this checkpoint has several".to_owned();
            return Err(Error::PackManifest { message });
        }
        let check = |(file, header): (&Stat, &Vec<u8>)| Check {
            file: file.clone(),
            expected: expected.map(str::to_lowercase),
            hash: Some(Sha256::new_with_prefix(header)),
            at: header.len() as u64,
        };
        Ok(Self(files.iter().zip(headers).map(check).collect()))
    }

    /// The check of the file with this name.
    pub fn of(&mut self, name: &str) -> Result<&mut Check> {
        let found = self.0.iter_mut().find(|check| check.file.name == name);
        found.ok_or_else(|| Error::WeightsHeader { file: name.to_owned(), message: "it is not there".to_owned() })
    }
}

impl Check {
    /// Goes to `start`. What an earlier run has read is read again only where the person gave a hash: of a
    /// hub the tag says that it is still the same file, and a second download of gigabytes would say no more.
    pub fn catch_up(&mut self, source: &mut dyn Source, start: u64) -> Result<()> {
        while self.at < start && self.expected.is_some() {
            let mut bytes = Vec::new();
            let read = source.open(&self.file, self.at, start.min(self.at + (1 << 20)))?.read_to_end(&mut bytes);
            match read {
                Ok(read) if read > 0 => self.update(&bytes),
                Ok(_) => return Err(self.broken("the connection ended early".to_owned())),
                Err(error) => return Err(self.broken(error.to_string())),
            }
        }
        if self.at != start {
            self.hash = None;
            self.at = start;
        }
        Ok(())
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.at += bytes.len() as u64;
    }

    /// Compares, where the file was read to its end.
    pub fn end(&mut self) -> Result<()> {
        let expected = self.expected.as_deref().or_else(|| self.file.sha256());
        if let (Some(expected), Some(hash), true) = (expected, &self.hash, self.at == self.file.bytes) {
            let got = format!("{:x}", hash.clone().finalize());
            if got != expected {
                return Err(Error::PackHash { file: self.file.name.clone(), expected: expected.to_owned(), got });
            }
        }
        Ok(())
    }

    fn broken(&self, message: String) -> Error {
        Error::Network { what: self.file.name.clone(), message }
    }
}
