//! The labelled pictures of a folder on disk.

use std::collections::BTreeMap;
use std::path::Path;

use safelight::train::data::labels::{Labelled, Mapping, Metadata, read_labels, to_read};
use safelight::{Error, Result};

use crate::loading;

/// Labels the pictures beneath `folder` and tells what was left out.
pub fn labelled(folder: &Path, mapping: &BTreeMap<String, Mapping>) -> Result<Vec<Labelled>> {
    let mut paths = Vec::new();
    walk(folder, "", &mut paths)?;
    paths.sort();
    let read = |path: &String| {
        let text = String::from_utf8_lossy(&loading::read(&folder.join(path))?).into_owned();
        Ok(Metadata { path: path.clone(), text })
    };
    let metadata = to_read(&paths).into_iter().map(read).collect::<Result<Vec<_>>>()?;
    let labelling = read_labels(&paths, &metadata, mapping);
    for problem in &labelling.problems {
        eprintln!("left out {}: {}", problem.path, problem.message);
    }
    for unknown in &labelling.unknown {
        eprintln!(
            "left out {} pictures in “{}”: its name is not that of a class; say --map \"{}=real\" (or generated, skip)",
            unknown.count, unknown.folder, unknown.folder
        );
    }
    if labelling.pictures.is_empty() {
        let message = format!("no picture with a label was found in {}", folder.display());
        return Err(Error::TrainingSet { message });
    }
    Ok(labelling.pictures)
}

/// Paths beneath `folder`, relative, `/` between parts. Links are not followed into folders.
fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<()> {
    let failed = |error: std::io::Error| loading::file_error(folder, &error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&entry.path(), &format!("{path}/"), paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// `FOLDER=real`, `FOLDER=generated` or `FOLDER=skip`, for the command line.
pub fn mapping(text: &str) -> std::result::Result<(String, Mapping), String> {
    let (folder, class) = text.rsplit_once('=').ok_or("this is not of the form FOLDER=real")?;
    let class = match class {
        "real" => Mapping::Real,
        "generated" => Mapping::Generated,
        "skip" => Mapping::Skip,
        other => return Err(format!("“{other}” is none of real, generated, skip")),
    };
    Ok((folder.trim_end_matches('/').to_owned(), class))
}
