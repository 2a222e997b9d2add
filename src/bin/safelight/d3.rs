//! ELSA's D3 (Baraldi et al., arXiv 2407.20337): records of one real picture, known by its address, and four
//! generated from its description. The files are read record by record, whatever their size.

mod records;
mod rows;

use std::path::PathBuf;

use clap::ValueEnum;
use parquet::file::reader::FileReader;
use safelight::Result;

pub use self::records::Records;

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
    /// Records in each file that is written: so many are in memory, and so many an interruption costs at most.
    #[arg(long, value_name = "N", requires = "d3", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    records: u32,
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

impl Captions {
    /// Its name on the command line, and in files of features.
    fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Positive => "positive",
            Self::Authors => "authors",
            Self::None => "none",
        }
    }
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
            let reader = rows::open(path)?;
            for index in 0..reader.num_row_groups() {
                if at % shard.n == shard.k - 1 {
                    let rows = reader.metadata().row_group(index).num_rows();
                    total += usize::try_from(rows).unwrap_or(0) * records::PICTURES;
                    groups.push((path.clone(), index));
                }
                at += 1;
            }
        }
        groups.reverse();
        Ok(Some(Records::new(groups, total, real, self.captions, shard, self.records)))
    }
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
}
