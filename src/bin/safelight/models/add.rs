//! `safelight models add`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use safelight::clip::checkpoint::{Converter, Piece, Plan, Precision, TOKENIZER, own_tokenizer, read_config};
use safelight::clip::config::TextConfig;
use safelight::clip::pack::{self, Manifest, PackFile};
use safelight::clip::tokenizer;
use safelight::{Error, Result};

use super::checks::Checks;
use super::hub::{HUB, Hub};
use super::source::{self, Folder, Source, Stat};
use super::unfinished::{Origin, Unfinished};
use crate::loading;

#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with config.json and model.safetensors (or its parts and their index), one such file, or
    /// an id on the Hugging Face hub (openai/clip-vit-large-patch14).
    source: String,
    /// Store matrices in int8, one scale an output channel, in place of float16: half the size.
    #[arg(long)]
    int8: bool,
    /// The pack's id and name; the source's where it is left out.
    #[arg(long)]
    name: Option<String>,
    /// The licence of the weights, SPDX.
    #[arg(long, default_value = "unknown")]
    licence: String,
    /// The hub's address; the variable `HF_ENDPOINT` says it as well.
    #[arg(long)]
    hub: Option<String>,
    /// A branch, tag or commit on the hub.
    #[arg(long, default_value = "main")]
    revision: String,
    /// The SHA-256 that the weight file must have; the hub's own word is checked without.
    #[arg(long, value_parser = sha256)]
    sha256: Option<String>,
}

/// Tries without one new byte after which a source is given up.
const TRIES: u32 = 4;

/// The pause before the second try; later ones are longer.
const PAUSE: Duration = Duration::from_millis(300);

pub fn run(arguments: &Arguments, packs: &Path) -> Result<()> {
    let id = arguments.id();
    super::plain(&id)?;
    let mut source = arguments.source()?;
    let config = source::config(&mut *source)?;
    let shape = read_config(&config)?;
    let tokenizer = match &shape.text {
        Some(tower) => source.text(TOKENIZER)?.map(|json| own(json, tower)).transpose()?,
        None => None,
    };
    let (tokenizer, json) = tokenizer.unzip();
    let files = source.files()?.iter().map(|name| source.stat(name)).collect::<Result<Vec<Stat>>>()?;
    let parts = files.iter().map(|file| source::part(&mut *source, file)).collect::<Result<Vec<_>>>()?;
    let (parts, headers): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let precision = if arguments.int8 { Precision::Int8 } else { Precision::Half };
    let plan = Plan::new(shape, &parts, precision)?;

    let mut checks = Checks::new(&files, &headers, arguments.sha256.as_deref())?;
    let origin = Origin { int8: arguments.int8, config, files: files.clone() };
    let mut unfinished = Unfinished::open(packs, &id, origin)?;
    let mut converter = Converter::new(plan, unfinished.written());
    unfinished.hand_over(&mut converter)?;
    if converter.kept() > 0 {
        eprintln!("going on where it was interrupted, after {:.0} MB", converter.kept() as f64 / 1e6);
    }
    let outcome = convert(&mut *source, &mut checks, &mut converter, &mut unfinished);
    match outcome {
        Ok(()) => unfinished.save()?,
        // What passes is gone on with; what is wrong with the checkpoint is wrong for good.
        Err(error @ (Error::Network { .. } | Error::File { .. })) => {
            unfinished.save()?;
            return Err(error);
        }
        Err(error) => {
            unfinished.discard()?;
            return Err(error);
        }
    }
    let clip = converter.plan().config.clone();
    let words = if arguments.int8 { "matrices in int8" } else { "matrices in float16" };
    let manifest = Manifest {
        format: pack::FORMAT,
        name: arguments.name.clone().unwrap_or_else(|| id.clone()),
        id,
        licence: arguments.licence.clone(),
        source: format!("Converted from {}; {words}.", source.words()),
        clip,
        files: vec![converter.finish()?],
        tokenizer,
    };
    let reads = manifest.clip.text.is_some().then_some(if json.is_some() { "its own" } else { "CLIP's" });
    let place = unfinished.finish(&manifest, json.as_deref())?;
    println!("{}", checks.words(source.words().as_str())?);
    if let Some(whose) = reads {
        println!("Its captions are split by {whose} tokenizer.");
    }
    println!("The model is in {0}; use it with --pack {0}.", place.display());
    println!("It has no head yet: `safelight train` makes one for it.");
    Ok(())
}

impl Arguments {
    fn source(&self) -> Result<Box<dyn Source>> {
        let path = PathBuf::from(&self.source);
        if path.exists() {
            return Ok(Box::new(Folder::new(&path)));
        }
        if Hub::is_id(&self.source) {
            let address = self.hub.clone().or_else(|| std::env::var("HF_ENDPOINT").ok());
            return Ok(Box::new(Hub::new(address.as_deref().unwrap_or(HUB), &self.source, &self.revision)));
        }
        let message = "this is neither a file or folder here nor an id of the form owner/name".to_owned();
        Err(Error::File { path: self.source.clone(), message })
    }

    /// The pack's id: the name that was given, else the last part of the source, in lower case.
    fn id(&self) -> String {
        let name = self.name.clone().unwrap_or_else(|| {
            let path = std::fs::canonicalize(&self.source).unwrap_or_else(|_| PathBuf::from(&self.source));
            let folder = if path.is_file() { path.parent().map(Path::to_owned).unwrap_or_default() } else { path };
            let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if self.int8 { format!("{name}-int8") } else { name }
        });
        name.to_lowercase().replace(' ', "-")
    }
}

/// A SHA-256, for the command line.
fn sha256(text: &str) -> std::result::Result<String, String> {
    let is_one = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_one { Ok(text.to_owned()) } else { Err("a SHA-256 has 64 hexadecimal digits".to_owned()) }
}

/// Moves everything through the converter. A connection that breaks is taken up again where it broke.
fn convert(
    source: &mut dyn Source,
    checks: &mut Checks,
    converter: &mut Converter,
    unfinished: &mut Unfinished,
) -> Result<()> {
    let bar = loading::bar(converter.plan().source_bytes(), "converting", "{bytes} of {total_bytes}");
    let mut tries = 0;
    while let Some(piece) = converter.wants() {
        let before = converter.read_bytes();
        let outcome = pass(source, &piece, checks, |bytes| {
            let packed = converter.push(bytes)?;
            bar.set_position(converter.read_bytes());
            unfinished.append(&packed)
        });
        match outcome {
            Ok(()) => tries = 0,
            Err(error @ Error::Network { .. }) => {
                tries = if converter.read_bytes() > before { 1 } else { tries + 1 };
                if tries == TRIES {
                    return Err(error);
                }
                bar.suspend(|| eprintln!("{error}"));
                std::thread::sleep(PAUSE * tries * tries);
            }
            Err(error) => return Err(error),
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// The checkpoint's own tokenizer, as the pack names it, and its text.
fn own(json: String, tower: &TextConfig) -> Result<(PackFile, String)> {
    let vocabulary = tokenizer::read(json.as_bytes())?.vocabulary();
    Ok((own_tokenizer(json.as_bytes(), vocabulary, tower)?, json))
}

/// One answer of the source, which may end before the piece does.
fn pass(
    source: &mut dyn Source,
    piece: &Piece,
    checks: &mut Checks,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let check = checks.of(&piece.file)?;
    check.catch_up(source, piece.start)?;
    let broken = |message: String| Error::Network { what: piece.file.clone(), message };
    let mut reader = source.open(&check.file, piece.start, piece.end)?;
    let mut chunk = vec![0; 1 << 20];
    let mut nothing = true;
    loop {
        let read = reader.read(&mut chunk).map_err(|error| broken(error.to_string()))?;
        let bytes = chunk.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        nothing = false;
        check.update(bytes);
        take(bytes)?;
    }
    if nothing { Err(broken("the connection ended early".to_owned())) } else { check.end() }
}
