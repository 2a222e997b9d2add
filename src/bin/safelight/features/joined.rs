//! Features as the other commands take them: of a folder of pictures, or of one or more files, read one after another, as
//! if they were one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use safelight::features::FeatureSpec;
use safelight::train::data::set::TrainingSet;
use safelight::{Error, Result};

use super::file::FeatureFile;
use super::kind::{Header, Kind};
use super::{parts, require_sources};

/// Features of one kind.
#[derive(Debug)]
pub struct Joined {
    pub kind: Kind,
    /// Whether captions were read.
    pub captioned: bool,
    parts: Vec<Part>,
    /// Names of all sources.
    sources: BTreeSet<String>,
    /// Those that are left out.
    without: Vec<String>,
}

#[derive(Debug)]
enum Part {
    InMemory(Box<FeatureFile>),
    OnDisk(PathBuf),
}

impl Joined {
    /// Features that were just made.
    pub fn of(file: FeatureFile) -> Self {
        let (kind, captioned) = (file.kind.clone(), file.captions.is_some());
        let sources = file.pictures.iter().map(|picture| picture.source.clone()).collect();
        Self { kind, captioned, parts: vec![Part::InMemory(Box::new(file))], sources, without: Vec::new() }
    }

    /// Features of files and of folders with their parts; `None` where `inputs` are something else.
    pub fn read(inputs: &[PathBuf]) -> Result<Option<Self>> {
        let mut files = Vec::new();
        for input in inputs {
            let of_input = if input.is_dir() { parts::list(input)? } else { vec![input.clone()] };
            if of_input.is_empty() {
                return Ok(None);
            }
            files.extend(of_input);
        }
        let mut joined: Option<Self> = None;
        for path in files {
            let Header { kind, pictures, captioned, .. } = Header::read(&path)?;
            let (sources, without) = (BTreeSet::new(), Vec::new());
            let joined = joined.get_or_insert_with(|| Self {
                kind: kind.clone(),
                captioned: false,
                parts: Vec::new(),
                sources,
                without,
            });
            joined.kind.require(&kind, &path)?;
            joined.captioned |= captioned;
            joined.sources.extend(pictures.into_iter().map(|picture| picture.source));
            joined.parts.push(Part::OnDisk(path));
        }
        Ok(joined)
    }

    /// The same but for the pictures of these sources.
    pub fn without(mut self, sources: &[String]) -> Result<Self> {
        require_sources(sources, self.sources.iter())?;
        self.without = sources.to_vec();
        Ok(self)
    }

    /// The pictures as heads that read `spec` see them. One file is in memory at a time.
    pub fn training_set(&self, spec: &FeatureSpec) -> Result<TrainingSet> {
        let mut joined: Option<TrainingSet> = None;
        for part in &self.parts {
            let set = match part {
                Part::InMemory(file) => self.training_set_of(file, spec)?,
                Part::OnDisk(path) => self.training_set_of(&FeatureFile::read(path)?, spec)?,
            };
            match &mut joined {
                Some(joined) => append(joined, set),
                None => joined = Some(set),
            }
        }
        joined.ok_or_else(|| Error::TrainingSet { message: "there are no features".to_owned() })
    }

    fn training_set_of(&self, file: &FeatureFile, spec: &FeatureSpec) -> Result<TrainingSet> {
        if self.without.is_empty() {
            return file.training_set(spec);
        }
        let kept = (0..file.pictures.len()).filter(|&at| !self.without.contains(&file.pictures[at].source));
        file.select(&kept.collect::<Vec<_>>()).training_set(spec)
    }
}

/// Adds the pictures of a set of the same specification.
fn append(set: &mut TrainingSet, other: TrainingSet) {
    set.pictures.extend(other.pictures);
    set.features.push_from(&other.features, 0..other.features.len());
    set.captions.push_from(&other.captions, 0..other.captions.len());
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use safelight::clip::vision::ImageTokens;
    use safelight::extractor::Read;
    use safelight::features::{TowerShape, View};
    use safelight::head::info::PackRef;
    use safelight::train::data::set::LabelledPicture;
    use safelight::treatment::Treatment;
    use safetensors::SafeTensors;

    use super::*;

    const SHAPE: TowerShape = TowerShape { layers: 2, width: 3, projection: 2 };

    fn kind() -> Kind {
        let pack = PackRef { id: "tiny".to_owned(), sha256: "0".repeat(64) };
        let treatments = vec![Treatment::AsGiven, Treatment::Web];
        Kind { pack, shape: SHAPE, views: vec![View::Whole, View::Detail], treatments, centres: false }
    }

    /// Pictures `from..to`, every second one without its detail and with a caption.
    fn pictures(from: usize, to: usize) -> FeatureFile {
        let mut file = FeatureFile::new(kind());
        let mut read = Read { present: Vec::new(), embedding: Vec::new() };
        for index in from..to {
            let (even, value) = (index % 2 == 0, index as f32);
            let present = [true, !even, true, !even];
            let n = present.iter().filter(|&&flag| flag).count();
            let numbers = |width: usize| (0..n * width).map(|at| 1.0 + value + at as f32).collect();
            let tokens = ImageTokens { n, embedding: numbers(2), class_tokens: numbers(6), patch_means: numbers(6) };
            let caption = even.then(|| format!("picture {index}"));
            let picture = LabelledPicture { name: index.to_string(), caption, ..Default::default() };
            file.push(picture, &present, &tokens);
            read.present.push(even);
            read.embedding.extend(even.then_some([value, 1.0]).into_iter().flatten());
        }
        file.captions = Some(read);
        file
    }

    fn fresh_folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("safelight-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder); // of a run before
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn write(folder: &Path, name: &str, file: &FeatureFile) -> PathBuf {
        let path = folder.join(name);
        file.write(&path).unwrap();
        path
    }

    #[test]
    fn parts_are_what_one_file_is() {
        let folder = fresh_folder("joined");
        let whole = write(&folder, "whole", &pictures(0, 7));
        std::fs::create_dir_all(folder.join("parts")).unwrap();
        write(&folder.join("parts"), "1-of-2-00000.safetensors", &pictures(0, 3));
        write(&folder.join("parts"), "1-of-2-00001.safetensors", &pictures(3, 4));
        let last = write(&folder, "last", &pictures(4, 7));
        let spec = FeatureSpec {
            views: vec![View::Whole, View::Detail],
            embedding: true,
            blocks: vec![1],
            patch_means: vec![0],
            caption: true,
        };
        let set = |inputs: &[PathBuf]| Joined::read(inputs).unwrap().unwrap().training_set(&spec).unwrap();
        assert_eq!(set(&[folder.join("parts"), last]), set(std::slice::from_ref(&whole)));
        assert_eq!(set(&[whole]), Joined::of(pictures(0, 7)).training_set(&spec).unwrap());
        assert!(Joined::read(std::slice::from_ref(&folder)).unwrap().is_none()); // no parts directly in it
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_of_before_patch_means_is_to_be_made_anew() {
        let folder = fresh_folder("old");
        let path = write(&folder, "old", &pictures(0, 2));
        let bytes = std::fs::read(&path).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let mut tensors = SafeTensors::deserialize(&bytes).unwrap().tensors();
        tensors.retain(|(name, _)| name != "patch_means");
        std::fs::write(&path, safetensors::serialize(tensors, metadata.metadata().clone()).unwrap()).unwrap();
        let error = Joined::read(&[path]).unwrap_err();
        assert_eq!(error.code(), "weights-header");
        assert!(error.to_string().contains("make it anew with `safelight features`"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn features_of_another_kind_are_refused_and_named() {
        let folder = fresh_folder("kinds");
        let first = write(&folder, "first", &pictures(0, 2));
        let mut others = [pictures(0, 2), pictures(0, 2), pictures(0, 2), pictures(0, 2)];
        others[0].kind.pack.sha256 = "1".repeat(64);
        others[1].kind.views = vec![View::Detail, View::Whole];
        others[2].kind.treatments = vec![Treatment::AsGiven, Treatment::Hard];
        others[3].kind.centres = true;
        let words =
            ["of the model tiny (11111111…)", "of the views", "as-given,hard", "with details cut out of other files"];
        for (other, words) in others.iter().zip(words) {
            let other = write(&folder, "other", other);
            let error = Joined::read(&[first.clone(), other]).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("other: "), "{error}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_gives_back_what_was_written_and_its_pictures_in_any_order() {
        let folder = fresh_folder("file");
        let all = pictures(0, 5);
        let path = write(&folder, "all", &all);
        let read = FeatureFile::read(&path).unwrap();
        assert_eq!(read, all);
        let header = Header::read(&path).unwrap();
        assert!(header.kind == all.kind && header.pictures == all.pictures && header.captioned);
        assert_eq!(read.select(&[0, 1, 2, 3, 4]), all);
        assert_eq!(read.select(&[3, 4]), pictures(3, 5));
        assert_eq!(read.select(&[4]).tokens, pictures(4, 5).tokens);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
