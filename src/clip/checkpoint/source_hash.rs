//! Whether a checkpoint's file is the one that was published: its SHA-256, as the bytes pass.

use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::{Error, Result};

/// One file as it is read, from its beginning.
#[derive(Debug)]
pub struct SourceHash {
    file: String,
    bytes: u64,
    /// What its source says, lower-case hexadecimal.
    expected: Option<String>,
    /// The hash of the first `at` bytes; `None` where some of them did not pass here.
    hash: Option<Sha256>,
    at: u64,
}

impl SourceHash {
    /// A file of `bytes` bytes, whose beginning is `head`. Without `expected` nothing is computed.
    #[must_use]
    pub fn new(file: &str, head: &[u8], bytes: u64, expected: Option<&str>) -> Self {
        let hash = expected.map(|_| Sha256::new_with_prefix(head));
        let expected = expected.map(str::to_lowercase);
        Self { file: file.to_owned(), bytes, expected, hash, at: head.len() as u64 }
    }

    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// How many bytes have passed.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Goes to `start`. What lies between was read by an earlier run, and then the file as a whole cannot be checked.
    pub fn go_to(&mut self, start: u64) {
        if self.at != start {
            self.hash = None;
            self.at = start;
        }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.at += bytes.len() as u64;
    }

    /// Whether the file was compared: it passed to its end, and its source says what it must be.
    ///
    /// # Errors
    /// [`Error::PackHash`] where it is another file.
    pub fn is_checked(&self) -> Result<bool> {
        let (Some(expected), Some(hash), true) = (&self.expected, &self.hash, self.at == self.bytes) else {
            return Ok(false);
        };
        let got = hex(&hash.clone().finalize());
        if got == *expected {
            Ok(true)
        } else {
            Err(Error::PackHash { file: self.file.clone(), expected: expected.clone(), got })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `abc` (FIPS 180-2, B.1).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_file_is_compared_when_it_has_passed_whole() {
        let mut hash = SourceHash::new("x", b"a", 3, Some(&ABC.to_uppercase()));
        assert!(!hash.is_checked().unwrap());
        hash.update(b"bc");
        assert!(hash.is_checked().unwrap());
        let mut other = SourceHash::new("x", b"a", 3, Some(ABC));
        other.update(b"bd");
        assert_eq!(other.is_checked().unwrap_err().code(), "pack-hash");
    }

    #[test]
    fn without_a_hash_or_with_a_gap_nothing_is_claimed() {
        let mut unknown = SourceHash::new("x", b"abc", 3, None);
        unknown.update(b"");
        assert!(!unknown.is_checked().unwrap());
        let mut gap = SourceHash::new("x", b"a", 3, Some(ABC));
        gap.go_to(2);
        gap.update(b"c");
        assert!(!gap.is_checked().unwrap());
    }
}
