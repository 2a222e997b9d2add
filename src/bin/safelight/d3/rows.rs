//! The rows of D3's files, of the columns that are needed.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::{ReaderIter, TreeBuilder};
use parquet::schema::types::{SchemaDescriptor, Type};
use safelight::{Error, Result};

use crate::loading;

pub const ID: &str = "id";
pub const ORIGINAL: &str = "original_prompt";
pub const POSITIVE: &str = "positive_prompt";
pub const GENERATED: [&str; 4] = ["image_gen0", "image_gen1", "image_gen2", "image_gen3"];

/// Records in memory at a time: their pictures are large.
const RECORDS: usize = 1;

pub fn open(path: &Path) -> Result<SerializedFileReader<File>> {
    let file = File::open(path).map_err(|error| loading::file_error(path, &error))?;
    SerializedFileReader::new(file).map_err(|error| refuse(path, &error))
}

/// The rows of one group, of the columns that are needed.
pub fn rows(path: &Path, group: usize) -> Result<ReaderIter> {
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

pub fn refuse(path: &Path, error: &ParquetError) -> Error {
    Error::WeightsHeader { file: path.display().to_string(), message: error.to_string() }
}

/// Text, or a number that stands for a name.
pub fn words(field: Field) -> Option<String> {
    match field {
        Field::Str(text) => Some(text),
        Field::Bytes(bytes) => String::from_utf8(bytes.data().to_vec()).ok(),
        Field::Int(number) => Some(number.to_string()),
        Field::Long(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A picture's bytes: a column of its own, or `bytes` of Hugging Face's `Image` {bytes, path}.
pub fn bytes_of(field: Field) -> Option<Vec<u8>> {
    match field {
        Field::Bytes(bytes) => Some(bytes.data().to_vec()),
        Field::Group(image) => {
            let bytes = image.into_columns().into_iter().find(|(name, _)| name == "bytes");
            bytes.and_then(|(_, bytes)| bytes_of(bytes))
        }
        _ => None,
    }
}

/// Whether an id can be a file's name and nothing more.
pub fn is_name(id: &str) -> bool {
    let of_name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    !id.is_empty() && !id.starts_with('.') && id.chars().all(of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_no_other_folder() {
        assert!(is_name("000123-a_b.c"));
        for id in ["", "../x", "a/b", ".hidden"] {
            assert!(!is_name(id), "{id}");
        }
    }
}
