//! The conversion itself: the checkpoint's bytes in, in order and in pieces of any size; the pack's out.

use safetensors::Dtype;
use sha2::{Digest, Sha256};

use super::plan::{Plan, Step};
use crate::clip::pack::PackFile;
use crate::hex::hex;
use crate::{Error, Result};

/// Name of a pack's weight file.
const NAME: &str = "model.safetensors";

/// The bytes that a converter wants next: `start..end` of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The file's name.
    pub file: String,
    /// First byte.
    pub start: u64,
    /// Behind the last byte.
    pub end: u64,
}

/// A conversion under way.
#[derive(Debug)]
pub struct Converter {
    plan: Plan,
    /// The tensor that is being read, and how much of it was.
    step: usize,
    at: u64,
    /// Bytes of a row that is not complete yet.
    pending: Vec<u8>,
    /// An int8 tensor's scales and numbers, until it is complete.
    scales: Vec<u8>,
    quantised: Vec<u8>,
    hash: Sha256,
    hashed: u64,
    kept: u64,
}

impl Converter {
    /// Begins, or goes on where `written` bytes of the pack's file are there already. Of those the first
    /// [`Converter::kept`] stand; the caller drops the rest, and passes the kept ones to
    /// [`Converter::rehash`] before the first push.
    #[must_use]
    pub fn new(plan: Plan, written: u64) -> Self {
        // A tensor that was begun is begun again.
        let step = if written >= plan.bytes {
            plan.steps.len()
        } else {
            plan.steps.partition_point(|step| step.written <= written).saturating_sub(1)
        };
        let begun = plan.steps.get(step).map_or(plan.bytes, |step| step.written);
        let kept = if written < plan.header.len() as u64 { 0 } else { begun };
        let (pending, scales, quantised) = (Vec::new(), Vec::new(), Vec::new());
        let mut converter =
            Self { plan, step, at: 0, pending, scales, quantised, hash: Sha256::new(), hashed: 0, kept };
        converter.skip_empty();
        converter
    }

    /// How many bytes of what was written before stand.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// The kept bytes, in order.
    pub fn rehash(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.hashed += bytes.len() as u64;
    }

    /// The shape of the model and what will be written.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Bytes of tensors that were read, of [`Plan::source_bytes`].
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.plan.steps.iter().take(self.step).map(|step| step.bytes).sum::<u64>() + self.at
    }

    /// What is to be pushed next; `None`: everything was.
    #[must_use]
    pub fn wants(&self) -> Option<Piece> {
        let step = self.plan.steps.get(self.step)?;
        let same_file = self.plan.steps.iter().skip(self.step).take_while(|next| next.file == step.file);
        let end = same_file.last().map_or(step.start, |last| last.start + last.bytes);
        let file = self.plan.files.get(step.file).cloned().unwrap_or_default();
        Some(Piece { file, start: step.start + self.at, end })
    }

    /// The next bytes that [`Converter::wants`] names, any number of them; gives the pack's next bytes.
    ///
    /// # Errors
    /// [`Error::NotFinite`] with the tensor's name; [`Error::WeightsHeader`] where more comes than was
    /// wanted. After an error the converter is of no more use.
    pub fn push(&mut self, mut chunk: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        if self.hashed == 0 && !chunk.is_empty() {
            out.extend_from_slice(&self.plan.header);
        }
        while !chunk.is_empty() {
            let taken = self.take(chunk, &mut out)?;
            chunk = chunk.get(taken..).unwrap_or_default();
        }
        self.hash.update(&out);
        self.hashed += out.len() as u64;
        Ok(out)
    }

    /// Everything was pushed: the description of the pack's file.
    ///
    /// # Errors
    /// [`Error::WeightsHeader`] with the name of the tensor that is not whole.
    pub fn finish(self) -> Result<PackFile> {
        if let Some(step) = self.plan.steps.get(self.step) {
            let file = self.plan.files.get(step.file).cloned().unwrap_or_default();
            return Err(Error::WeightsHeader { file, message: format!("it ends within the tensor {}", step.name) });
        }
        if self.hashed != self.plan.bytes {
            return Err(Error::PackLength { file: NAME.to_owned(), expected: self.plan.bytes, got: self.hashed });
        }
        Ok(PackFile { name: NAME.to_owned(), bytes: self.hashed, sha256: hex(&self.hash.finalize()) })
    }

    /// Takes the beginning of `chunk`, at most to the end of a row, and tells how much that was.
    fn take(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        let Some(step) = self.plan.steps.get(self.step) else {
            let file = self.plan.files.last().cloned().unwrap_or_default();
            return Err(Error::WeightsHeader { file, message: "bytes follow the last tensor".to_owned() });
        };
        let Step { name, bytes, rows, .. } = step;
        let taken = match rows {
            None => chunk.len().min(usize::try_from(bytes - self.at).unwrap_or(usize::MAX)),
            Some(rows) => {
                let wanted = rows.row_bytes();
                let out = if rows.to == Dtype::I8 { &mut self.quantised } else { &mut *out };
                match chunk.get(..wanted) {
                    Some(row) if self.pending.is_empty() => {
                        rows.convert(name, row, &mut self.scales, out)?;
                        wanted
                    }
                    _ => {
                        let taken = chunk.len().min(wanted - self.pending.len());
                        self.pending.extend(chunk.iter().take(taken));
                        if self.pending.len() == wanted {
                            rows.convert(name, &self.pending, &mut self.scales, out)?;
                            self.pending.clear();
                        }
                        taken
                    }
                }
            }
        };
        self.at += taken as u64;
        if self.at == *bytes {
            out.append(&mut self.scales);
            out.append(&mut self.quantised);
            self.step += 1;
            self.at = 0;
            self.skip_empty();
        }
        Ok(taken)
    }

    /// An empty tensor has no bytes that could complete it.
    fn skip_empty(&mut self) {
        while self.plan.steps.get(self.step).is_some_and(|step| step.bytes == 0) {
            self.step += 1;
        }
    }
}
