//! A model pack: its manifest, and a reader that takes the weight file in pieces as they arrive, so
//! that never more than one tensor is held in two forms.

use std::collections::{BTreeMap, BTreeSet};

use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Clip;
use super::config::{ClipConfig, TensorSpec};
use super::header::{self, Entry, PREFIX};
use super::text::TextTower;
use super::vision::VisionTower;
use super::weights::{self, SCALE, Weights};
use crate::device::Device;
use crate::hex::hex;
use crate::{Error, Result};

/// The manifest format this version reads and writes.
pub const FORMAT: u32 = 1;

/// `pack.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Stable name, also the folder's.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// SPDX name of the weights' licence.
    pub licence: String,
    /// Where the weights come from, a sentence.
    pub source: String,
    /// The shape of the model.
    pub clip: ClipConfig,
    /// The weight files; format 1 has one.
    pub files: Vec<PackFile>,
    /// The checkpoint's own tokenizer, where it brought one; else CLIP's splits its captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<PackFile>,
}

/// One file of a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackFile {
    /// Name inside the pack's folder.
    pub name: String,
    /// Length, in bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl PackFile {
    /// What a pack says of a file of these bytes.
    #[must_use]
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), bytes: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) }
    }
}

impl Manifest {
    /// Parses and checks `pack.json`.
    ///
    /// # Errors
    /// [`Error::PackManifest`].
    pub fn parse(json: &str) -> Result<Self> {
        let refuse = |message: String| Error::PackManifest { message };
        let manifest: Self = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(refuse(format!("its format is {}, this version reads {FORMAT}", manifest.format)));
        }
        manifest.weights_file()?;
        manifest.clip.validate()?;
        Ok(manifest)
    }

    /// The text of `pack.json`.
    ///
    /// # Errors
    /// None that a manifest can have.
    pub fn to_json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        json.map(|json| json + "\n").map_err(|error| Error::PackManifest { message: error.to_string() })
    }

    /// The one weight file.
    ///
    /// # Errors
    /// [`Error::PackManifest`] where there is none or more than one.
    pub fn weights_file(&self) -> Result<&PackFile> {
        match self.files.as_slice() {
            [file] => Ok(file),
            files => {
                Err(Error::PackManifest { message: format!("it names {} weight files instead of one", files.len()) })
            }
        }
    }
}

/// Reads a pack's weight file in pieces, checks it, and builds the towers.
#[derive(Debug)]
pub struct PackReader {
    manifest: Manifest,
    file: PackFile,
    device: Device,
    weights: Weights,
    hash: Sha256,
    received: u64,
    /// Bytes of the header, or of the tensor, that is not complete yet.
    pending: Vec<u8>,
    /// Tensors still to come, the next one last; `None` before the header is read.
    plan: Option<Vec<Planned>>,
}

#[derive(Debug)]
struct Planned {
    name: String,
    spec: TensorSpec,
    dtype: Dtype,
    bytes: usize,
}

impl PackReader {
    /// Starts reading the pack that `manifest` describes, onto `device`.
    ///
    /// # Errors
    /// [`Error::PackManifest`].
    pub fn new(manifest: Manifest, device: Device) -> Result<Self> {
        let file = manifest.weights_file()?.clone();
        let weights = Weights::new(&device);
        Ok(Self { manifest, file, device, weights, hash: Sha256::new(), received: 0, pending: Vec::new(), plan: None })
    }

    /// The next bytes of the weight file, any number of them.
    ///
    /// # Errors
    /// [`Error::PackLength`], [`Error::WeightsHeader`], or what is wrong with a tensor, by its name.
    /// After an error the reader is of no more use.
    pub fn push(&mut self, mut chunk: &[u8]) -> Result<()> {
        self.received += chunk.len() as u64;
        if self.received > self.file.bytes {
            return Err(self.wrong_length());
        }
        self.hash.update(chunk);
        while !chunk.is_empty() {
            let wanted = self.wanted()?;
            let taken = chunk.len().min(wanted - self.pending.len());
            self.pending.extend_from_slice(&chunk[..taken]);
            chunk = &chunk[taken..];
            if self.pending.len() == wanted {
                self.complete(wanted)?;
            }
        }
        Ok(())
    }

    /// All bytes were pushed: checks length and hash and builds the towers.
    ///
    /// # Errors
    /// [`Error::PackLength`], [`Error::PackHash`], [`Error::TensorMissing`].
    pub fn finish(mut self) -> Result<(Manifest, Clip)> {
        if self.received != self.file.bytes {
            return Err(self.wrong_length());
        }
        let got = hex(&self.hash.finalize());
        if got != self.file.sha256 {
            return Err(Error::PackHash { file: self.file.name, expected: self.file.sha256, got });
        }
        let (config, device) = (&self.manifest.clip, &self.device);
        let vision = VisionTower::new(config.vision.clone(), &mut self.weights, device.clone())?;
        let text =
            config.text.clone().map(|text| TextTower::new(text, &mut self.weights, device.clone())).transpose()?;
        Ok((self.manifest, Clip { vision, text }))
    }

    /// Length of what is being collected: the header's length field, the header, or a tensor.
    fn wanted(&self) -> Result<usize> {
        match &self.plan {
            Some(plan) => match plan.last() {
                Some(next) => Ok(next.bytes),
                None => Err(self.bad_header("bytes follow the last tensor".to_owned())),
            },
            None => match self.pending.first_chunk() {
                None => Ok(PREFIX),
                Some(&prefix) => Ok(PREFIX + header::length(prefix, &self.file.name)?),
            },
        }
    }

    fn complete(&mut self, wanted: usize) -> Result<()> {
        match &mut self.plan {
            Some(plan) => {
                if let Some(tensor) = plan.pop() {
                    self.weights.insert(&tensor.name, &tensor.spec, tensor.dtype, &self.pending)?;
                }
                self.pending.clear();
            }
            None if wanted == PREFIX => {} // the length is known; the header itself comes next
            None => {
                self.plan = Some(self.read_header()?);
                self.pending.clear();
            }
        }
        // An empty tensor has no bytes that could complete it.
        while self.plan.as_ref().and_then(|plan| plan.last()).is_some_and(|next| next.bytes == 0) {
            self.plan.as_mut().and_then(Vec::pop);
        }
        Ok(())
    }

    /// Compares the header with what the towers need and plans the reading, in the file's order.
    fn read_header(&self) -> Result<Vec<Planned>> {
        let entries = header::parse(self.pending.get(PREFIX..).unwrap_or_default(), &self.file.name)?;
        let quantised: BTreeSet<&str> =
            entries.iter().filter(|entry| entry.dtype == Dtype::I8).map(|entry| entry.name.as_str()).collect();
        let mut specs = weights::with_scales(&self.manifest.clip.tensors(), |name| quantised.contains(name));
        let mut plan = Vec::with_capacity(entries.len());
        for Entry { name, dtype, shape, bytes } in entries.iter().cloned() {
            let spec = specs.remove(&name).ok_or_else(|| Error::TensorUnexpected { name: name.clone() })?;
            if shape != spec.shape {
                return Err(Error::TensorShape { name, expected: spec.shape, got: shape });
            }
            plan.push(Planned { name, spec, dtype, bytes });
        }
        first_missing(specs)?;
        plan.reverse();
        Ok(plan)
    }

    fn wrong_length(&self) -> Error {
        Error::PackLength { file: self.file.name.clone(), expected: self.file.bytes, got: self.received }
    }

    fn bad_header(&self, message: String) -> Error {
        Error::WeightsHeader { file: self.file.name.clone(), message }
    }
}

fn first_missing(left: BTreeMap<String, TensorSpec>) -> Result<()> {
    // A missing tensor is named before the scale that would belong to it.
    let name = left.into_keys().min_by_key(|name| name.ends_with(SCALE));
    name.map_or(Ok(()), |name| Err(Error::TensorMissing { name }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = include_str!("../../tests/golden/tiny/pack.json");
    const WEIGHTS: &[u8] = include_bytes!("../../tests/golden/tiny/model.safetensors");

    fn reader() -> PackReader {
        PackReader::new(Manifest::parse(MANIFEST).unwrap(), Device::cpu()).unwrap()
    }

    /// The code of what is said of `weights`.
    fn refusal(weights: &[u8]) -> &'static str {
        let mut reader = reader();
        reader.push(weights).and_then(|()| reader.finish().map(|_| ())).unwrap_err().code()
    }

    #[test]
    fn a_whole_file_is_taken_byte_by_byte() {
        let mut reader = reader();
        WEIGHTS.chunks(1).try_for_each(|byte| reader.push(byte)).unwrap();
        assert!(reader.finish().is_ok());
    }

    #[test]
    fn a_damaged_file_is_refused_by_what_is_wrong() {
        let mut flipped = WEIGHTS.to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(refusal(&flipped), "pack-hash");
        assert_eq!(refusal(&WEIGHTS[..WEIGHTS.len() / 2]), "pack-length");
        assert_eq!(refusal(&[0xff; 16]), "weights-header");
    }

    #[test]
    fn offsets_that_do_not_fit_the_shapes_are_refused() {
        let length = u64::from_le_bytes(*WEIGHTS.first_chunk().unwrap()) as usize;
        let header = std::str::from_utf8(&WEIGHTS[8..8 + length]).unwrap();
        let (before, after) = header.split_once("\"data_offsets\":[").unwrap();
        let (_, rest) = after.split_once(']').unwrap();
        for offsets in ["4,0", "0,4", "0,99999999"] {
            let header = format!("{before}\"data_offsets\":[{offsets}]{rest}");
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend(header.as_bytes());
            assert_eq!(refusal(&bytes), "weights-header", "{offsets}");
        }
    }
}
