//! D3's records as pictures with labels.

use std::collections::HashSet;
use std::path::PathBuf;

use parquet::record::reader::ReaderIter;
use parquet::record::{Field, Row};
use safelight::Result;
use safelight::picture::{Limits, Picture};
use safelight::train::data::labels::Labelled;

use super::rows::{GENERATED, ID, ORIGINAL, POSITIVE, bytes_of, is_name, refuse, rows, words};
use super::{Captions, Shard};
use crate::features::Source;
use crate::loading;

/// What may follow a real picture's id in its file's name.
const ENDINGS: [&str; 7] = ["", ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"];

/// Pictures of a record.
pub const PICTURES: usize = 1 + GENERATED.len();

/// The records, one after another.
pub struct Records {
    /// Groups of rows still to come, the next one last.
    groups: Vec<(PathBuf, usize)>,
    open: Option<(PathBuf, ReaderIter)>,
    captions: Captions,
    real: PathBuf,
    shard: Shard,
    /// Records of a part.
    part: u32,
    /// Ids of records that are left out.
    known: HashSet<String>,
    /// What is left of a record, the next picture last.
    pending: Vec<Source>,
    total: usize,
    passed: usize,
    ended: bool,
    /// Records without their real picture, with one that cannot be read, and without a usable id.
    missing: usize,
    unreadable: usize,
    nameless: usize,
}

/// The pictures of the next records.
pub struct Part<'a> {
    records: &'a mut Records,
    /// Records still to come.
    left: u32,
}

impl Records {
    /// The records of these groups of rows, the next one last, with `total` pictures; `part` records make a part.
    pub(super) fn new(
        groups: Vec<(PathBuf, usize)>,
        total: usize,
        real: PathBuf,
        captions: Captions,
        shard: Shard,
        part: u32,
    ) -> Self {
        Self {
            groups,
            open: None,
            captions,
            real,
            shard,
            part,
            known: HashSet::new(),
            pending: Vec::new(),
            total,
            passed: 0,
            ended: false,
            missing: 0,
            unreadable: 0,
            nameless: 0,
        }
    }

    /// How many pictures there are, with those of records that turn out incomplete.
    pub fn total(&self) -> usize {
        self.total
    }

    /// How many of them are of records that were read or left out already.
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// Whether the last record was read.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Whether captions are wanted.
    pub fn has_captions(&self) -> bool {
        self.captions != Captions::None
    }

    /// Where captions come from.
    pub fn captions(&self) -> &'static str {
        self.captions.name()
    }

    /// Which shard it is, as files are named after it: `3-of-64`.
    pub fn shard(&self) -> String {
        format!("{}-of-{}", self.shard.k, self.shard.n)
    }

    /// Leaves out the records of these pictures (by name).
    pub fn leave_out(&mut self, pictures: &HashSet<String>) {
        let id = |name: &String| name.split_once('/').map(|(id, _)| id.to_owned());
        self.known = pictures.iter().filter_map(id).collect();
    }

    /// The pictures of the next records, as many as a part has.
    pub fn part(&mut self) -> Part<'_> {
        Part { left: self.part, records: self }
    }

    /// Tells what was left out.
    pub fn report(&self) {
        let real = self.real.display();
        if self.missing > 0 {
            let missing = self.missing;
            eprintln!(
                "left out {missing} records whose real picture is not in {real}, with all that was generated from them"
            );
        }
        if self.unreadable > 0 {
            let unreadable = self.unreadable;
            eprintln!(
                "left out {unreadable} records whose real picture in {real} cannot be read, with all that was generated from them"
            );
        }
        if self.nameless > 0 {
            eprintln!("left out {} records whose id cannot be a file's name", self.nameless);
        }
    }

    /// The next record's pictures; `None` at the end.
    fn record(&mut self) -> Result<Option<Vec<Source>>> {
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
                    self.passed += PICTURES;
                    return Ok(Some(self.pictures(row)));
                }
                None => self.open = None,
            }
        }
    }

    /// A record's pictures, the last first. One without its real picture is left out: its captions would be
    /// those of generated pictures only. Of one whose real picture cannot be read only that is told.
    fn pictures(&mut self, row: Row) -> Vec<Source> {
        let mut columns = row.into_columns();
        let mut take = |name: &str| {
            let at = columns.iter().position(|(column, _)| column == name);
            at.map_or(Field::Null, |at| columns.swap_remove(at).1)
        };
        let Some(id) = words(take(ID)).filter(|id| is_name(id)) else {
            self.nameless += 1;
            return Vec::new();
        };
        if self.known.contains(&id) {
            return Vec::new();
        }
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
            self.missing += 1;
            return Vec::new();
        };
        let label = |source: &str, generated: bool, text: &Option<String>| Labelled {
            path: format!("{id}/{source}"),
            source: source.to_owned(),
            generated,
            text: text.clone(),
        };
        let real =
            loading::read_picture(&real).and_then(|bytes| Picture::decode(&bytes, &Limits::default()).map(|_| bytes));
        let readable = real.is_ok();
        let source = |label: Labelled, bytes: Result<Vec<u8>>| Source { label, bytes, centre: None };
        let mut pictures = vec![source(label("real", false, &of_real), real)];
        if !readable {
            self.unreadable += 1;
            return pictures;
        }
        for name in GENERATED {
            if let Some(bytes) = bytes_of(take(name)) {
                pictures.push(source(label(name, true, &of_generated), Ok(bytes)));
            }
        }
        pictures.reverse();
        pictures
    }
}

impl Iterator for Part<'_> {
    type Item = Result<Source>;

    fn next(&mut self) -> Option<Result<Source>> {
        let records = &mut *self.records;
        while records.pending.is_empty() && self.left > 0 && !records.ended {
            match records.record() {
                Ok(Some(pictures)) => {
                    self.left -= u32::from(!pictures.is_empty());
                    records.pending = pictures;
                }
                Ok(None) => records.ended = true,
                Err(error) => {
                    records.ended = true;
                    return Some(Err(error));
                }
            }
        }
        records.pending.pop().map(Ok)
    }
}
