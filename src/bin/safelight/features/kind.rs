//! Which features a file holds: of which model, how pictures were looked at, and how they were treated before. Files of
//! one kind can be used together.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use safelight::features::{TowerShape, View};
use safelight::head::info::PackRef;
use safelight::train::data::set::LabelledPicture;
use safelight::treatment::Treatment;
use safelight::{Error, Result};
use safetensors::tensor::Metadata;
use serde::{Deserialize, Serialize};

use crate::loading;

/// The entry of the metadata that holds [`Contents`].
pub const METADATA: &str = "safelight-features";

/// Longest header that is read or written, in bytes: the safetensors crate refuses more than 100 MB. A picture
/// takes about 430 of them.
pub const LONGEST_HEADER: usize = 100_000_000;

/// Which features.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    pub pack: PackRef,
    pub shape: TowerShape,
    pub views: Vec<View>,
    pub treatments: Vec<Treatment>,
    /// Whether the details of pictures as given are those of other files, cut out of the originals.
    pub centres: bool,
}

/// What a file says of itself besides its numbers.
pub struct Header {
    pub kind: Kind,
    pub pictures: Vec<LabelledPicture>,
    /// Where D3's captions come from.
    pub captions_from: Option<String>,
    /// Whether captions were read.
    pub captioned: bool,
}

/// The form of that in the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    pub pack: PackRef,
    pub views: Vec<View>,
    pub treatments: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub centres: bool,
    pub pictures: Vec<LabelledPicture>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions_from: Option<String>,
}

impl Kind {
    /// Refuses the features of `other`, which are at `path`, where they are not of this kind.
    pub fn require(&self, other: &Self, path: &Path) -> Result<()> {
        self.require_model(other, path)?;
        let words = |views: &[View]| views.iter().map(|view| view.words()).collect::<Vec<_>>().join(", ");
        if self.views != other.views {
            return differ(path, "of the views", &words(&other.views), &words(&self.views));
        }
        let names = |all: &[Treatment]| all.iter().map(Treatment::to_string).collect::<Vec<_>>().join(",");
        if self.treatments != other.treatments {
            return differ(path, "under the treatments", &names(&other.treatments), &names(&self.treatments));
        }
        let words = |centres: bool| if centres { "cut out of other files" } else { "of the pictures themselves" };
        if self.centres != other.centres {
            return differ(path, "with details", words(other.centres), words(self.centres));
        }
        Ok(())
    }

    /// Refuses them where they are of another model.
    pub fn require_model(&self, other: &Self, path: &Path) -> Result<()> {
        if (&self.pack, self.shape) == (&other.pack, other.shape) {
            return Ok(());
        }
        let words = |pack: &PackRef| format!("{} ({:.8}…)", pack.id, pack.sha256);
        differ(path, "of the model", &words(&other.pack), &words(&self.pack))
    }
}

fn differ(path: &Path, what: &str, other: &str, this: &str) -> Result<()> {
    let message = format!("its features are {what} {other}, and not {what} {this}: they cannot be used together");
    Err(Error::File { path: path.display().to_string(), message })
}

impl Header {
    /// Reads the beginning of a file of features.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| loading::file_error(path, &error);
        let mut file = File::open(path).map_err(failed)?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(failed)?;
        let mut json = Vec::new();
        file.take(u64::from_le_bytes(length).min(LONGEST_HEADER as u64)).read_to_end(&mut json).map_err(failed)?;
        let metadata = serde_json::from_slice(&json).map_err(|error| unusable(path, &error))?;
        Self::of(path, &metadata)
    }

    /// The same from what was read.
    pub fn of(path: &Path, metadata: &Metadata) -> Result<Self> {
        let contents = metadata.metadata().as_ref().and_then(|map| map.get(METADATA));
        let contents = contents.ok_or_else(|| unusable(path, &"it was not written by `safelight features`"))?;
        let contents: Contents = serde_json::from_str(contents).map_err(|error| unusable(path, &error))?;
        let shape = |name: &str| metadata.info(name).map(|info| info.shape.clone()).unwrap_or_default();
        let (&[_, projection], &[_, layers, width]) = (&shape("embedding")[..], &shape("class_tokens")[..]) else {
            return Err(unusable(path, &"its tensors have other ranks"));
        };
        if metadata.info("patch_means").is_none() {
            let message = "it is of an earlier version, which did not keep the means of patch tokens: make it anew with \
                           `safelight features`";
            return Err(unusable(path, &message));
        }
        let Contents { pack, views, treatments, centres, pictures, captions_from } = contents;
        let treatments = treatments.iter().map(|name| name.parse()).collect::<Result<Vec<Treatment>>>()?;
        let kind = Kind { pack, shape: TowerShape { layers, width, projection }, views, treatments, centres };
        Ok(Self { kind, pictures, captions_from, captioned: metadata.info("captioned").is_some() })
    }
}

/// The file cannot be read, and why.
pub fn unusable(path: &Path, message: &impl ToString) -> Error {
    Error::WeightsHeader { file: path.display().to_string(), message: message.to_string() }
}
