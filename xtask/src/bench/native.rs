//! Measured without a browser: the terminal's program beside onnxruntime on the processor, in turns; and each kernel
//! beside what the GPU can do.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::command::{command, run};
use crate::test::on_software_gpu;

/// Rounds of one picture, where nothing else was asked for; eight pictures are run fewer times.
const ROUNDS: u32 = 9;

/// Threads that onnxruntime is given, one number after another.
const THREADS: [usize; 2] = [1, 2];

/// Below it two engines do not compute the same thing, and a time would mean nothing (`tests/bench/case.mjs`).
const SAME: f64 = 0.99999;

/// Whether a case needs no browser.
pub fn is_native(case: &str) -> bool {
    case == "kernels" || case.starts_with("native-")
}

/// What the terminal's program and onnxruntime are given.
pub struct Case {
    /// The large model instead of the default one.
    pub large: bool,
    pub pictures: usize,
}

impl Case {
    /// Of `native-8` or `native-l14-1`; `None` where the name is no such case's.
    pub fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("native-")?;
        let (large, pictures) = rest.strip_prefix(super::LARGE).map_or((false, rest), |pictures| (true, pictures));
        Some(Self { large, pictures: pictures.parse().ok()? })
    }
}

/// How the sides are compared.
pub struct How {
    pub pictures: usize,
    /// Instead of [`ROUNDS`].
    pub rounds: Option<u32>,
    /// JSON instead of lines.
    pub json: bool,
    /// Also on the GPU.
    pub gpu: bool,
}

/// What runs the other side.
pub struct Onnxruntime {
    pub python: &'static str,
    /// A folder with onnxruntime.
    pub packages: PathBuf,
    /// The float32 model.
    pub model: PathBuf,
}

/// A program that runs once for each line it is sent.
struct Peer {
    name: String,
    /// Until the model was open, in a program that had started.
    open_ms: f64,
    child: Child,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    r#where: String,
    open_ms: f64,
}

#[derive(Deserialize)]
struct Answer {
    ms: f64,
    embeddings: Vec<f64>,
}

/// Prints one line for each engine: milliseconds from pixels to embeddings, how much longer this project takes, and the start,
/// from nothing to the first result. `pack` is the folder of another model than the default one.
pub fn compare(root: &Path, onnx: &Onnxruntime, pack: Option<&Path>, how: &How) -> Result<()> {
    let How { pictures, rounds, json: as_json, gpu } = *how;
    build(root)?;
    let folder = root.join("tests/golden/clip/pictures");
    let entries = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "png"));
    files.sort();
    files.truncate(pictures);
    let pixels = root.join("target/bench/pixels");
    let mut peers = Vec::new();
    for device in ["cpu"].into_iter().chain(gpu.then_some("gpu")) {
        let mut ours = command(root, "target/release/safelight", ["bench-tower", "--device", device, "--pixels"]);
        ours.arg(&pixels).args(&files).args(pack.iter().flat_map(|pack| [Path::new("--pack"), pack]));
        peers.push(Peer::start(&mut ours, "Safelight")?);
    }
    for threads in THREADS {
        let mut theirs = command(root, onnx.python, ["tests/bench/native.py"]);
        theirs.args([&onnx.model, &pixels]).arg(threads.to_string()).env("PYTHONPATH", &onnx.packages);
        peers.push(Peer::start(&mut theirs, "onnxruntime")?);
    }
    let first = peers.iter_mut().map(Peer::ask).collect::<Result<Vec<_>>>()?;
    let cosine = |other: &Answer| lowest_cosine(&first[0].embeddings, &other.embeddings, pictures);
    let cosines: Vec<f64> = first.iter().map(cosine).collect();
    ensure!(
        cosines.iter().all(|&cosine| cosine >= SAME),
        "the engines disagree (cosines {cosines:?}): nothing was timed"
    );
    let rounds = rounds.unwrap_or(ROUNDS.div_ceil(pictures as u32).max(3));
    let mut times = vec![Vec::new(); peers.len()];
    for _ in 0..rounds {
        for (peer, times) in peers.iter_mut().zip(&mut times) {
            times.push(peer.ask()?.ms);
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    let ours = middle(&times[0]);
    let model = if pack.is_some() { "ViT-L/14" } else { "ViT-B/16" };
    for (index, (peer, times)) in peers.iter().zip(times).enumerate() {
        let ratio = ours / middle(&times);
        let (open_ms, first_ms, cosine) = (peer.open_ms, first[index].ms, cosines[index]);
        let row = Row { name: &peer.name, model, pictures, times, ratio, cosine, open_ms, first_ms };
        println!("{}", if as_json { row.json().to_string() } else { row.line() });
    }
    Ok(())
}

/// One engine's part of a case.
struct Row<'a> {
    name: &'a str,
    model: &'a str,
    pictures: usize,
    /// Milliseconds from pixels to embeddings, sorted, the first run left out.
    times: Vec<f64>,
    /// This project's median over this engine's.
    ratio: f64,
    /// Of the embeddings, with this project's.
    cosine: f64,
    open_ms: f64,
    first_ms: f64,
}

impl Row<'_> {
    /// From nothing, in a program that had started, to the first result.
    fn start_ms(&self) -> f64 {
        self.open_ms + self.first_ms
    }

    fn json(&self) -> Value {
        let Self { name, model, pictures, times, ratio, cosine, open_ms, first_ms } = self;
        json!({
            "native": name, "model": model, "pictures": pictures, "ms": times, "ratio": ratio, "cosine": cosine,
            "openMs": open_ms, "firstMs": first_ms, "startMs": self.start_ms(),
        })
    }

    fn line(&self) -> String {
        let Self { name, model, pictures, times, ratio, cosine, .. } = self;
        let (least, most) = (times.first().copied().unwrap_or(f64::NAN), times.last().copied().unwrap_or(f64::NAN));
        let (median, start) = (middle(times), self.start_ms() / 1e3);
        let plural = if *pictures == 1 { "" } else { "s" };
        format!(
            "native, {model}, {pictures} picture{plural}  {name:<38} {median:>7.0} ms ({least:.0}–{most:.0})  ratio {ratio:.2}  cosine {cosine:.7}  first result after {start:.1} s"
        )
    }
}

/// Of sorted times.
fn middle(times: &[f64]) -> f64 {
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints each kernel's rate, on this machine's GPU or on software that plays one.
pub fn kernels(root: &Path, as_json: bool, gpu: bool) -> Result<()> {
    build(root)?;
    let mut measure = command(root, "target/release/safelight", ["bench-kernels"]);
    measure.args(as_json.then_some("--json"));
    let measure = if gpu { &mut measure } else { on_software_gpu(&mut measure) };
    let status = measure.status().context("the terminal's program cannot be started")?;
    ensure!(status.success(), "the measuring ended with {status}; its message is above");
    Ok(())
}

fn build(root: &Path) -> Result<()> {
    run(&mut command(root, "cargo", ["build", "--release", "--bin", "safelight"]))
}

impl Peer {
    fn start(command: &mut Command, name: &str) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("{name} cannot be started"))?;
        let answers = BufReader::new(child.stdout.take().context("a program without an output")?);
        let mut peer = Self { name: name.to_owned(), open_ms: 0.0, child, answers };
        let Opened { r#where, open_ms } = peer.answer()?;
        peer.open_ms = open_ms;
        peer.name = format!("{name}, {where}", r#where = r#where);
        Ok(peer)
    }

    fn ask(&mut self) -> Result<Answer> {
        let asked = self.child.stdin.as_mut().context("a program without an input")?.write_all(b"\n");
        asked.with_context(|| format!("{} has ended", self.name))?;
        self.answer()
    }

    fn answer<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "{} has ended; its message is above", self.name);
        serde_json::from_str(&line).with_context(|| format!("{} says no JSON", self.name))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // it ends when nobody asks any more
        let _ = self.child.wait();
    }
}

/// Over the pictures; of embeddings that differ in length there is none.
fn lowest_cosine(a: &[f64], b: &[f64], pictures: usize) -> f64 {
    let width = a.len() / pictures.max(1);
    if a.len() != b.len() || width == 0 {
        return f64::NAN;
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let rows = a.chunks(width).zip(b.chunks(width));
    rows.map(|(a, b)| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).fold(1.0, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_is_that_of_the_picture_that_differs_most() {
        assert!((lowest_cosine(&[1.0, 0.0, 3.0, 4.0], &[2.0, 0.0, 4.0, 3.0], 2) - 0.96).abs() < 1e-12);
        assert!(lowest_cosine(&[1.0], &[1.0, 2.0], 1).is_nan());
    }

    #[test]
    fn the_start_is_told_with_model_and_times() {
        let (name, model) = ("onnxruntime, 2 threads", "ViT-L/14");
        let times = vec![1900.0, 2000.0, 2500.0];
        let row = Row { name, model, pictures: 1, times, ratio: 0.9, cosine: 1.0, open_ms: 4000.0, first_ms: 2250.0 };
        assert_eq!(row.json()["startMs"], 6250.0);
        assert_eq!(row.json()["model"], model);
        let line = row.line();
        let parts = ["native, ViT-L/14, 1 picture  onnxruntime", "2000 ms (1900–2500)", "first result after 6.2 s"];
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
}
