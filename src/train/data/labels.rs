//! Which pictures of a folder are real, which are generated, and of which source: from the names of
//! folders and from Hugging Face's ImageFolder metadata.
//!
//! The folders on the way to the picture whose names [`super::names`] knows decide: where they name different
//! classes, as `ai/nature` does, a person is asked. What all pictures share, as `diffusion` in `diffusion/real` and
//! `diffusion/fake`, says nothing where both classes are named beneath it. What is left of the path, without the names of splits (`train`, `val`, `test`, `images`…) and without what all pictures
//! share, is the source: both `train/real/SOURCE/x.jpg` and `SOURCE/0_real/x.png`.
//!
//! `metadata.csv` and `metadata.jsonl` apply to the folder they lie in: `file_name` (relative to that
//! folder), `label` (a name of that table, or 0 = real, 1 = generated), `text` and `source`, of which
//! only the first must be there. A `.txt` beside a picture, of the same name, is its caption where the
//! metadata have none.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::metadata::{self, Line};
pub use super::metadata::{Metadata, Problem};
use super::names::{class_of, is_split};

/// What a person says of a folder whose name says nothing, or says it wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mapping {
    /// Its pictures are real.
    Real,
    /// Its pictures are generated.
    Generated,
    /// Its pictures are left out.
    Skip,
}

/// What became of a folder's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Labelling {
    /// Pictures with their labels, in the order of the paths.
    pub pictures: Vec<Labelled>,
    /// Folders to be mapped by a person, with the number of their pictures.
    pub unknown: Vec<Unknown>,
    /// What was left out, and why.
    pub problems: Vec<Problem>,
}

/// A picture with its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Labelled {
    /// Path as it was given.
    pub path: String,
    /// Group of every split; empty where the folder names none.
    pub source: String,
    /// Whether it is generated.
    pub generated: bool,
    /// Its caption, where it has one.
    pub text: Option<String>,
}

/// A folder whose class is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// Path of the folder; empty for the picked folder itself.
    pub folder: String,
    /// Pictures directly in it.
    pub count: usize,
}

/// Extensions of pictures that Safelight or a browser reads; what the bytes are is found out later.
const PICTURES: [&str; 13] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "dib", "avif", "heic", "heif", "hif"];

/// The files among `paths` whose text [`read_labels`] needs: metadata, and captions beside pictures.
#[must_use]
pub fn to_read(paths: &[String]) -> Vec<&String> {
    let pictures = stems(paths);
    let is_needed = |path: &&String| {
        metadata::is_metadata(name_of(path)) || metadata::is_caption(path) && pictures.contains(metadata::stem(path))
    };
    paths.iter().filter(is_needed).collect()
}

/// Labels the pictures among `paths` (relative, `/` between parts). `mapping` is by folder and holds
/// for what lies beneath it too, the nearest first; it overrides names and metadata.
#[must_use]
pub fn read_labels(paths: &[String], metadata: &[Metadata], mapping: &BTreeMap<String, Mapping>) -> Labelling {
    let mut labelling = Labelling::default();
    let (lines, problems) = metadata::read(metadata, paths);
    labelling.problems = problems;
    let captions = metadata::captions(metadata);
    let pictures = stems(paths);
    let shared = shared_folders(paths);
    let telling = if names_both(paths, shared) { shared } else { 0 };
    let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        if !is_picture(path) {
            let is_caption = metadata::is_caption(path) && pictures.contains(metadata::stem(path));
            if !is_expected(name_of(path)) && !is_caption {
                labelling.problems.push(Problem { path: path.clone(), message: "This is not a picture.".to_owned() });
            }
            continue;
        }
        if !seen.insert(path) {
            labelling
                .problems
                .push(Problem { path: path.clone(), message: "This picture is listed twice.".to_owned() });
            continue;
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let line = lines.get(path.as_str());
        let generated = match mapped(folder, mapping) {
            Some(Mapping::Skip) => continue,
            Some(class) => class == Mapping::Generated,
            None => match (line.map_or(Ok(None), Line::class), class_in(folder, telling)) {
                (Ok(Some(class)), _) | (Ok(None), Some(class)) => class,
                (Ok(None), None) => {
                    *unknown.entry(folder).or_default() += 1;
                    continue;
                }
                (Err(label), _) => {
                    let message = format!("Its label “{label}” is neither real nor generated.");
                    labelling.problems.push(Problem { path: path.clone(), message });
                    continue;
                }
            },
        };
        let named = line.and_then(|line| line.source.clone());
        labelling.pictures.push(Labelled {
            path: path.clone(),
            source: named.unwrap_or_else(|| source_of(folder, shared)),
            generated,
            text: line
                .and_then(|line| line.text.clone())
                .or_else(|| captions.get(metadata::stem(path)).map(|&text| text.to_owned())),
        });
    }
    let unknown = unknown.into_iter().map(|(folder, count)| Unknown { folder: folder.to_owned(), count });
    labelling.unknown = unknown.collect();
    labelling
}

/// Pictures' paths without their extensions.
fn stems(paths: &[String]) -> BTreeSet<&str> {
    paths.iter().filter(|path| is_picture(path)).map(|path| metadata::stem(path)).collect()
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a path is a picture by its name, or has no extension and may be one.
fn is_picture(path: &str) -> bool {
    let name = name_of(path);
    if name.starts_with('.') {
        return false;
    }
    match name.rsplit_once('.') {
        Some((_, extension)) => PICTURES.contains(&extension.to_lowercase().as_str()),
        None => !name.is_empty(),
    }
}

/// Files that lie beside pictures and are no news: metadata, and what systems leave behind.
fn is_expected(name: &str) -> bool {
    name.starts_with('.') || metadata::is_metadata(name) || ["Thumbs.db", "desktop.ini"].contains(&name)
}

fn mapped(folder: &str, mapping: &BTreeMap<String, Mapping>) -> Option<Mapping> {
    let mut folder = folder;
    loop {
        if let Some(&found) = mapping.get(folder) {
            return Some(found);
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}

/// How many folders from the top all pictures share.
fn shared_folders(paths: &[String]) -> usize {
    let folders = |path: &str| -> Vec<String> {
        path.rsplit_once('/').map_or_else(Vec::new, |(folder, _)| folder.split('/').map(str::to_owned).collect())
    };
    let mut pictures = paths.iter().filter(|path| is_picture(path)).map(|path| folders(path));
    let Some(first) = pictures.next() else { return 0 };
    pictures
        .fold(first.len(), |shared, other| first.iter().zip(&other).take(shared).take_while(|(a, b)| a == b).count())
}

/// The class that the folders of a path name from the `telling`th on; `None` where none does, or both are named.
fn class_in(folder: &str, telling: usize) -> Option<bool> {
    let mut classes = folder.split('/').skip(telling).filter_map(class_of);
    let first = classes.next()?;
    classes.all(|class| class == first).then_some(first)
}

/// Whether both classes are named beneath the folders that all pictures share.
fn names_both(paths: &[String], shared: usize) -> bool {
    let folders = paths.iter().filter(|path| is_picture(path)).filter_map(|path| path.rsplit_once('/'));
    let classes: BTreeSet<bool> =
        folders.flat_map(|(folder, _)| folder.split('/').skip(shared).filter_map(class_of)).collect();
    classes.len() == 2
}

/// What a folder's path says besides class and split.
fn source_of(folder: &str, shared: usize) -> String {
    let says_more = |part: &&str| !part.is_empty() && class_of(part).is_none() && !is_split(part);
    folder.split('/').skip(shared).filter(says_more).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(paths: &[&str], metadata: &[(&str, &str)], mapping: &[(&str, Mapping)]) -> Labelling {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        let file = |&(path, text): &(&str, &str)| Metadata { path: path.to_owned(), text: text.to_owned() };
        let metadata: Vec<Metadata> = metadata.iter().map(file).collect();
        read_labels(&paths, &metadata, &mapping.iter().map(|&(folder, to)| (folder.to_owned(), to)).collect())
    }

    fn short(labelling: &Labelling) -> Vec<(&str, bool)> {
        labelling.pictures.iter().map(|picture| (picture.source.as_str(), picture.generated)).collect()
    }

    #[test]
    fn sources_lie_within_classes_or_classes_within_sources() {
        let got = label(&["set/train/real/lab/x.jpg", "set/val/ai/flux/x.PNG", "set/train/real/y.webp"], &[], &[]);
        assert_eq!(short(&got), [("lab", false), ("flux", true), ("", false)]);
        let got = label(&["progan/0_real/x.png", "progan/1_fake/y.png", "sd/car/1_fake/z.png"], &[], &[]);
        assert_eq!(short(&got), [("progan", false), ("progan", true), ("sd/car", true)]);
        assert!(got.unknown.is_empty() && got.problems.is_empty());
    }

    #[test]
    fn folders_that_name_both_classes_are_asked_about() {
        let paths = ["ai/nature/a.png", "fake/human/b.png", "generated/photos/c.png", "real/agency/d.jpg", "ai/e.png"];
        let got = label(&paths, &[], &[]);
        assert_eq!(short(&got), [("agency", false), ("", true)]);
        let folders: Vec<_> = got.unknown.iter().map(|unknown| unknown.folder.as_str()).collect();
        assert_eq!(folders, ["ai/nature", "fake/human", "generated/photos"]);
        assert_eq!(short(&label(&paths[..1], &[], &[("ai/nature", Mapping::Generated)])), [("", true)]);
        let csv = ("metadata.csv", "file_name,label\nai/nature/a.png,ai\n");
        assert_eq!(short(&label(&paths[..1], &[csv], &[])), [("", true)]);
        // One class beneath what is shared: the shared name may be the class.
        assert!(short(&label(&["ai/nature/a.png", "ai/nature/b.png"], &[], &[])).is_empty());
        assert_eq!(short(&label(&["ai/nature/a.png", "ai/flux/b.png"], &[], &[])), [("flux", true)]);
    }

    #[test]
    fn the_name_of_the_whole_set_is_no_class_where_both_are_named_beneath_it() {
        let got = label(&["diffusion/real/a.png", "diffusion/fake/b.png", "diffusion/1_fake/sd/c.png"], &[], &[]);
        assert_eq!(short(&got), [("", false), ("", true), ("sd", true)]);
        let got = label(&["dataset-ai/real/a.png", "dataset-ai/train/0_real/b.png", "other/fake/c.png"], &[], &[]);
        assert_eq!(short(&got), [("dataset-ai", false), ("dataset-ai", false), ("other", true)]);
    }

    #[test]
    fn unknown_folders_are_counted_and_can_be_mapped() {
        let paths = ["s/holiday/a.jpg", "s/holiday/b.jpg", "s/x.jpg", "s/real/c.jpg", "s/notes.doc", "s/.DS_Store"];
        let got = label(&paths, &[], &[]);
        let counts: Vec<_> = got.unknown.iter().map(|unknown| (unknown.folder.as_str(), unknown.count)).collect();
        assert_eq!(counts, [("s", 1), ("s/holiday", 2)]);
        assert_eq!(got.problems, [Problem { path: "s/notes.doc".into(), message: "This is not a picture.".into() }]);
        let mapping = [("s", Mapping::Skip), ("s/holiday", Mapping::Real), ("s/real", Mapping::Generated)];
        let got = label(&paths, &[], &mapping);
        assert_eq!(short(&got), [("holiday", false), ("holiday", false), ("", true)]);
        assert!(got.unknown.is_empty());
    }

    #[test]
    fn the_same_path_twice_is_one_picture() {
        let got = label(&["real/a.jpg", "real/a.jpg"], &[], &[]);
        assert_eq!((got.pictures.len(), got.problems.len()), (1, 1));
    }

    #[test]
    fn a_text_beside_a_picture_is_its_caption_unless_the_metadata_have_one() {
        let paths = ["real/a.jpg", "real/a.txt", "real/b.jpg", "real/b.txt", "real/notes.txt", "real/metadata.csv"];
        let owned: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        assert_eq!(to_read(&owned), ["real/a.txt", "real/b.txt", "real/metadata.csv"]);
        let csv = ("real/metadata.csv", "file_name,text\nb.jpg,from the table\n");
        let got = label(&paths, &[("real/a.txt", "a cat\n"), ("real/b.txt", "other words"), csv], &[]);
        let texts: Vec<_> = got.pictures.iter().map(|picture| picture.text.as_deref()).collect();
        assert_eq!(texts, [Some("a cat"), Some("from the table")]);
        let left: Vec<_> = got.problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(left, ["real/notes.txt"]);
    }

    #[test]
    fn metadata_say_label_source_and_text() {
        let csv =
            "file_name,label,text,source\nreal/a.jpg,1,\"a cat, asleep\",lab\nb.jpg,fake,,\nc.jpg,dog,,\nd.jpg,,,\n";
        let paths = ["p/real/a.jpg", "p/b.jpg", "p/c.jpg", "p/d.jpg", "p/metadata.csv"];
        let got = label(&paths, &[("p/metadata.csv", csv)], &[]);
        assert_eq!(short(&got), [("lab", true), ("", true)]);
        assert_eq!(got.pictures[0].text.as_deref(), Some("a cat, asleep"));
        assert_eq!(got.unknown, [Unknown { folder: "p".into(), count: 1 }]);
        assert_eq!(got.problems[0].message, "Its label “dog” is neither real nor generated.");
    }
}
