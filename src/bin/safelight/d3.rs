//! ELSA's D3 (Baraldi et al., arXiv 2407.20337): records of one real picture, known by its address, and four
//! generated from its description. The files are read record by record, whatever their size.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::{ReaderIter, TreeBuilder};
use parquet::record::{Field, Row};
use parquet::schema::types::{SchemaDescriptor, Type};
use safelight::train::data::labels::Labelled;
use safelight::{Error, Result};

use crate::loading;

const ID: &str = "id";
const ORIGINAL: &str = "original_prompt";
const POSITIVE: &str = "positive_prompt";
const GENERATED: [&str; 4] = ["image_gen0", "image_gen1", "image_gen2", "image_gen3"];

/// What may follow a real picture's id in its file's name.
const ENDINGS: [&str; 7] = ["", ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"];

/// Records in memory at a time: their pictures are large.
const RECORDS: usize = 1;

#[derive(clap::Args)]
pub struct D3 {
    /// Files of D3's layout, in place of a folder.
    #[arg(long = "d3", id = "d3", num_args = 1.., value_name = "FILE", requires = "real")]
    files: Vec<PathBuf>,
    /// The folder of D3's real pictures, downloaded by whoever uses them: each is named after its record's id.
    #[arg(long, value_name = "DIR", requires = "d3")]
    real: Option<PathBuf>,
    /// Only this part of the records, one of so many: 3/64. Together all parts are the whole.
    #[arg(long, value_name = "K/N", requires = "d3")]
    shard: Option<Shard>,
    /// Where D3's captions come from.
    #[arg(long, value_enum, default_value = "original")]
    captions: Captions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Captions {
    /// The description of the real picture, for all five.
    Original,
    /// The prompt that the generators were given, for all five.
    Positive,
    /// As D3's users before: the description for the real picture, the prompt for the generated ones. The
    /// wording alone then gives the label away.
    Authors,
    /// None.
    None,
}

/// Part `k` of `n`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shard {
    k: usize,
    n: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((k, n)) if 1 <= k && k <= n => Ok(Self { k, n }),
            _ => Err("this is not of the form K/N with K from 1 to N".to_owned()),
        }
    }
}

/// A picture of a record: its label, and its bytes unless they cannot be had.
pub type Picture = (Labelled, Result<Vec<u8>>);

impl D3 {
    /// The records that these arguments name; `None` where they name none.
    pub fn open(&self) -> Result<Option<Records>> {
        let Some(real) = self.real.clone().filter(|_| !self.files.is_empty()) else { return Ok(None) };
        if self.captions == Captions::Authors {
            eprintln!(
                "note: real and generated pictures take their captions from different columns, so the captions alone \
                 tell the classes apart; the audit's text-only control will say how well"
            );
        }
        let shard = self.shard.unwrap_or(Shard { k: 1, n: 1 });
        let mut groups = Vec::new();
        let mut total = 0;
        // A shard is every n-th group of rows, so that it reads nothing of the others.
        let mut at = 0;
        for path in &self.files {
            let reader = open(path)?;
            for index in 0..reader.num_row_groups() {
                if at % shard.n == shard.k - 1 {
                    let rows = reader.metadata().row_group(index).num_rows();
                    total += usize::try_from(rows).unwrap_or(0) * (1 + GENERATED.len());
                    groups.push((path.clone(), index));
                }
                at += 1;
            }
        }
        groups.reverse();
        Ok(Some(Records {
            groups,
            open: None,
            captions: self.captions,
            real,
            pending: Vec::new(),
            total,
            incomplete: 0,
        }))
    }
}

/// The pictures of all records, one after another.
pub struct Records {
    /// Groups of rows still to come, the next one last.
    groups: Vec<(PathBuf, usize)>,
    open: Option<(PathBuf, ReaderIter)>,
    captions: Captions,
    real: PathBuf,
    /// What is left of a record, the next picture last.
    pending: Vec<Picture>,
    total: usize,
    incomplete: usize,
}

impl Records {
    /// How many pictures there are, with those of records that turn out incomplete.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whether captions are wanted.
    pub fn has_captions(&self) -> bool {
        self.captions != Captions::None
    }

    /// Tells what was left out.
    pub fn report(&self) {
        if self.incomplete > 0 {
            eprintln!(
                "left out {} records whose real picture is not in {}, with all that was generated from them",
                self.incomplete,
                self.real.display()
            );
        }
    }

    /// The next record's pictures; `None` at the end.
    fn record(&mut self) -> Result<Option<Vec<Picture>>> {
        loop {
            let Some((path, rows)) = &mut self.open else {
                let Some((path, index)) = self.groups.pop() else { return Ok(None) };
                let rows = rows(&path, index)?;
                self.open = Some((path, rows));
                continue;
            };
            match rows.next() {
                Some(row) => {
                    let row = row.map_err(|error| refuse(path, &error))?;
                    let path = path.clone();
                    return self.pictures(&path, row).map(Some);
                }
                None => self.open = None,
            }
        }
    }

    /// A record's pictures, the last first. One without its real picture is left out: its captions would be
    /// those of generated pictures only.
    fn pictures(&mut self, path: &Path, row: Row) -> Result<Vec<Picture>> {
        let mut columns = row.into_columns();
        let mut take = |name: &str| {
            let at = columns.iter().position(|(column, _)| column == name);
            at.map_or(Field::Null, |at| columns.swap_remove(at).1)
        };
        let bad = |message: String| Error::WeightsHeader { file: path.display().to_string(), message };
        let id = words(take(ID)).filter(|id| is_name(id)).ok_or_else(|| bad("a record has no usable id".to_owned()))?;
        let (original, positive) = (words(take(ORIGINAL)), words(take(POSITIVE)));
        let (of_real, of_generated) = match self.captions {
            Captions::Original => (original.clone(), original),
            Captions::Positive => (positive.clone(), positive),
            Captions::Authors => (original, positive),
            Captions::None => (None, None),
        };
        let Some(real) =
            ENDINGS.iter().map(|ending| self.real.join(format!("{id}{ending}"))).find(|path| path.is_file())
        else {
            self.incomplete += 1;
            return Ok(Vec::new());
        };
        let label = |source: &str, generated: bool, text: &Option<String>| Labelled {
            path: format!("{id}/{source}"),
            source: source.to_owned(),
            generated,
            text: text.clone(),
        };
        let mut pictures = vec![(label("real", false, &of_real), loading::read_picture(&real))];
        for name in GENERATED {
            if let Some(bytes) = picture(take(name)) {
                pictures.push((label(name, true, &of_generated), Ok(bytes)));
            }
        }
        pictures.reverse();
        Ok(pictures)
    }
}

impl Iterator for Records {
    type Item = Result<Picture>;

    fn next(&mut self) -> Option<Result<Picture>> {
        while self.pending.is_empty() {
            match self.record() {
                Ok(Some(pictures)) => self.pending = pictures,
                Ok(None) => return None,
                Err(error) => {
                    self.groups.clear();
                    self.open = None;
                    return Some(Err(error));
                }
            }
        }
        self.pending.pop().map(Ok)
    }
}

fn open(path: &Path) -> Result<SerializedFileReader<File>> {
    let file = File::open(path).map_err(|error| loading::file_error(path, &error))?;
    SerializedFileReader::new(file).map_err(|error| refuse(path, &error))
}

/// The rows of one group, of the columns that are needed.
fn rows(path: &Path, group: usize) -> Result<ReaderIter> {
    let reader = open(path)?;
    let schema = reader.metadata().file_metadata().schema_descr().root_schema().clone();
    let wanted = |name: &str| [ID, ORIGINAL, POSITIVE].contains(&name) || GENERATED.contains(&name);
    let fields: Vec<Arc<Type>> = schema.get_fields().iter().filter(|field| wanted(field.name())).cloned().collect();
    for name in [ID].iter().chain(&GENERATED) {
        if !fields.iter().any(|field| field.name() == *name) {
            let message = format!("it lacks the column {name} of D3");
            return Err(Error::WeightsHeader { file: path.display().to_string(), message });
        }
    }
    let projection = Type::group_type_builder(schema.name()).with_fields(fields).build();
    let rows = projection.and_then(|projection| {
        let columns = Arc::new(SchemaDescriptor::new(Arc::new(projection)));
        let group = reader.get_row_group(group)?;
        TreeBuilder::new().with_batch_size(RECORDS).as_iter(columns, &*group)
    });
    rows.map_err(|error| refuse(path, &error))
}

fn refuse(path: &Path, error: &ParquetError) -> Error {
    Error::WeightsHeader { file: path.display().to_string(), message: error.to_string() }
}

/// Text, or a number that stands for a name.
fn words(field: Field) -> Option<String> {
    match field {
        Field::Str(text) => Some(text),
        Field::Bytes(bytes) => String::from_utf8(bytes.data().to_vec()).ok(),
        Field::Int(number) => Some(number.to_string()),
        Field::Long(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A picture's bytes: a column of its own, or `bytes` of Hugging Face's `Image` {bytes, path}.
fn picture(field: Field) -> Option<Vec<u8>> {
    match field {
        Field::Bytes(bytes) => Some(bytes.data().to_vec()),
        Field::Group(image) => {
            let bytes = image.into_columns().into_iter().find(|(name, _)| name == "bytes");
            bytes.and_then(|(_, bytes)| picture(bytes))
        }
        _ => None,
    }
}

/// Whether an id can be a file's name and nothing more.
fn is_name(id: &str) -> bool {
    let of_name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    !id.is_empty() && !id.starts_with('.') && id.chars().all(of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_one_of_so_many() {
        assert_eq!("3/64".parse(), Ok(Shard { k: 3, n: 64 }));
        for text in ["0/4", "5/4", "3", "a/b", "1/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_names_no_other_folder() {
        assert!(is_name("000123-a_b.c"));
        for id in ["", "../x", "a/b", ".hidden"] {
            assert!(!is_name(id), "{id}");
        }
    }
}
