//! `metadata.csv` and `metadata.jsonl` of Hugging Face's ImageFolder form, and captions in a `.txt` beside
//! their picture.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::names::class_of;

/// A file of [`super::labels::to_read`], and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    /// Path relative to the picked folder, `/` between parts.
    pub path: String,
    /// The file's text.
    pub text: String,
}

/// A file that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Path of the file that the message is about.
    pub path: String,
    /// A sentence.
    pub message: String,
}

/// What a line says of a picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    label: Option<String>,
    /// Its caption.
    pub text: Option<String>,
    /// Its group.
    pub source: Option<String>,
}

impl Line {
    /// The class; the label itself where it is none.
    pub fn class(&self) -> Result<Option<bool>, &str> {
        match self.label.as_deref() {
            None => Ok(None),
            Some("0") => Ok(Some(false)),
            Some("1") => Ok(Some(true)),
            Some(label) => class_of(label).map(Some).ok_or(label),
        }
    }
}

/// Whether a file is metadata by its name.
pub fn is_metadata(name: &str) -> bool {
    ["metadata.csv", "metadata.jsonl"].contains(&name.to_lowercase().as_str())
}

/// A path without its extension: what a picture and the `.txt` beside it share.
pub fn stem(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    path[name..].rfind('.').map_or(path, |dot| &path[..name + dot])
}

/// Whether a file can be a caption by its name.
pub fn is_caption(path: &str) -> bool {
    path.len() > 4 && path.is_char_boundary(path.len() - 4) && path[path.len() - 4..].eq_ignore_ascii_case(".txt")
}

/// The captions that lie in files of their own, by the [`stem`] of their picture; empty ones are none.
pub fn captions(files: &[Metadata]) -> BTreeMap<&str, &str> {
    let texts = files.iter().filter(|file| is_caption(&file.path));
    let texts = texts.map(|file| (stem(&file.path), file.text.trim_start_matches('\u{feff}').trim()));
    texts.filter(|(_, text)| !text.is_empty()).collect()
}

/// The lines by the path of their picture, and what could not be used of them.
pub fn read(files: &[Metadata], paths: &[String]) -> (BTreeMap<String, Line>, Vec<Problem>) {
    let present: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
    let (mut lines, mut problems) = (BTreeMap::new(), Vec::new());
    for file in files.iter().filter(|file| !is_caption(&file.path)) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_csv = file.path.to_lowercase().ends_with(".csv");
        let records = if is_csv { csv_records(&file.text) } else { json_records(&file.text) };
        for record in records {
            let problem = |path: &str, message: String| Problem { path: path.to_owned(), message };
            let (number, mut fields) = match record {
                Ok(record) => record,
                Err(message) => {
                    problems.push(problem(&file.path, message));
                    continue;
                }
            };
            let Some(name) = fields.remove("file_name") else {
                problems.push(problem(&file.path, format!("Line {number} names no picture: it has no file_name.")));
                continue;
            };
            let path = joined(folder, &name);
            let line =
                Line { label: fields.remove("label"), text: fields.remove("text"), source: fields.remove("source") };
            if !present.contains(path.as_str()) {
                problems.push(problem(
                    &path,
                    format!("The metadata name this picture (line {number}), but it is not there."),
                ));
                continue;
            }
            match lines.entry(path) {
                Entry::Vacant(vacant) => {
                    vacant.insert(line);
                }
                Entry::Occupied(first) => {
                    let message = format!("The metadata name this picture twice (line {number}); the first counts.");
                    problems.push(problem(first.key(), message));
                }
            }
        }
    }
    (lines, problems)
}

/// `name` as seen from the picked folder; `./` and `\` are forgiven.
fn joined(folder: &str, name: &str) -> String {
    let name = name.replace('\\', "/");
    let name = name.trim_start_matches("./");
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A line's number and its fields that are not empty, by name in lower case; or what is wrong with it.
type Record = Result<(u64, BTreeMap<String, String>), String>;

fn csv_records(text: &str) -> Vec<Record> {
    let text = text.trim_start_matches('\u{feff}'); // what spreadsheets write first
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let names: Vec<String> = match reader.headers() {
        Ok(names) => names.iter().map(|name| name.trim().to_lowercase()).collect(),
        Err(error) => return vec![Err(format!("It cannot be read: {error}."))],
    };
    if !names.iter().any(|name| name == "file_name") {
        return vec![Err("Its first line has no column file_name.".to_owned())];
    }
    let fields = |record: csv::StringRecord| {
        let number = record.position().map_or(0, csv::Position::line);
        let fields = names.iter().cloned().zip(record.iter().map(|value| value.trim().to_owned()));
        (number, fields.filter(|(_, value)| !value.is_empty()).collect())
    };
    reader.records().map(|record| record.map(fields).map_err(|error| format!("It cannot be read: {error}."))).collect()
}

fn json_records(text: &str) -> Vec<Record> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let record = |(number, line): (u64, &str)| {
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("Line {number} cannot be read: {error}."))?;
        let word = |value: Value| match value {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let fields = object.into_iter().filter_map(|(name, value)| Some((name.to_lowercase(), word(value)?)));
        Ok((number, fields.collect()))
    };
    lines.map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str, paths: &[&str]) -> (BTreeMap<String, Line>, Vec<String>) {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        let (lines, problems) = read(&[Metadata { path: path.to_owned(), text: text.to_owned() }], &paths);
        (lines, problems.into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn json_lines_are_read_and_bad_ones_named() {
        let text = "{\"file_name\": \"a.png\", \"label\": 1}\n\n{\"label\": 0}\nnonsense\n{\"file_name\":\"a.png\"}\n{\"file_name\":\"gone.png\"}";
        let (lines, problems) = of("x/metadata.jsonl", text, &["x/a.png"]);
        assert_eq!(lines["x/a.png"].class(), Ok(Some(true)));
        assert_eq!(problems.len(), 4);
        assert_eq!(problems[0], "Line 3 names no picture: it has no file_name.");
        assert!(problems[1].starts_with("Line 4 cannot be read"), "{problems:?}");
        assert!(problems[2].contains("twice (line 5)") && problems[3].contains("not there"), "{problems:?}");
    }

    #[test]
    fn a_text_beside_a_picture_is_its_caption() {
        let file = |path: &str, text: &str| Metadata { path: path.to_owned(), text: text.to_owned() };
        let files =
            [file("a.b/x.y.TXT", "\u{feff} a cat\n"), file("empty.txt", " "), file("metadata.csv", "file_name\n")];
        assert_eq!(captions(&files), BTreeMap::from([("a.b/x.y", "a cat")]));
        assert_eq!((stem("a.b/x"), stem("x.png"), stem(".txt")), ("a.b/x", "x", ""));
        assert_eq!(read(&files[..2], &[]).1, []);
    }

    #[test]
    fn csv_may_be_ragged_quoted_and_from_a_spreadsheet() {
        let text = "\u{feff}File_Name, Label ,text\r\n\".\\a.png\",Real,\"two\nlines\"\r\nb.png\r\n";
        let (lines, problems) = of("metadata.csv", text, &["a.png", "b.png"]);
        assert_eq!(lines["a.png"].class(), Ok(Some(false)));
        assert_eq!(lines["a.png"].text.as_deref(), Some("two\nlines"));
        assert_eq!(lines["b.png"], Line::default());
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(of("metadata.csv", "image,label\na,0\n", &[]).1, ["Its first line has no column file_name."]);
    }
}
