//! Attention without a score matrix.

use super::context::Context;
use super::matrix::Matrix;
use super::source::Source;

/// A way to compute attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Walk {
    /// Keys that a workgroup shares at a time; `None` shares nothing.
    pub shared: Option<usize>,
    /// Invocations of a workgroup.
    pub lanes: usize,
    /// Queries of an invocation; with shared keys it is 1.
    pub queries: usize,
}

/// Every way that is tried, the safest first.
pub const WALKS: [Walk; 5] = [
    Walk { shared: None, lanes: 64, queries: 1 },
    Walk { shared: None, lanes: 32, queries: 2 },
    Walk { shared: None, lanes: 8, queries: 8 },
    Walk { shared: None, lanes: 32, queries: 1 },
    Walk { shared: Some(16), lanes: 64, queries: 1 },
];

impl Walk {
    /// A name that stays the same, for what was tuned.
    #[must_use]
    pub fn name(&self) -> String {
        let kind = self.shared.map_or_else(|| "registers".to_owned(), |keys| format!("shared{keys}"));
        format!("{kind}-{}x{}", self.lanes, self.queries)
    }

    /// The walk of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        WALKS.into_iter().find(|walk| walk.name() == name)
    }

    /// Whether a device of these limits can run it over heads that are `head` wide.
    #[must_use]
    pub fn fits(&self, limits: &wgpu::Limits, head: usize) -> bool {
        let shared = self.shared.map_or(0, |keys| 2 * keys * head / 4 * VECTOR); // keys and values
        self.lanes <= limits.max_compute_invocations_per_workgroup.min(limits.max_compute_workgroup_size_x) as usize
            && shared <= limits.max_compute_workgroup_storage_size as usize
    }
}

/// Bytes of a vector of four floats.
const VECTOR: usize = 16;

/// Which sequences attention runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sequences {
    /// Tokens of a sequence.
    pub tokens: usize,
    /// Sequences; the width of one is a multiple of 4.
    pub heads: usize,
    /// A token sees itself and those before it, instead of all.
    pub causal: bool,
}

impl Sequences {
    /// A name that stays the same, for what was tuned; the number of tokens does not matter.
    #[must_use]
    pub fn name(self) -> String {
        format!("{} heads, causal {}", self.heads, self.causal)
    }
}

/// Scaled dot-product attention: query, key and value side by side, `[n · tokens, 3 · width]` → `[n · tokens, width]`.
pub fn attention(gpu: &Context, walk: Walk, qkv: &Matrix, sequences: Sequences) -> Matrix {
    let Sequences { tokens, heads, causal } = sequences;
    let width = qkv.width / 3;
    let vectors = width / heads / 4;
    let pipeline = gpu.pipeline(&kernel(walk, sequences, vectors), || {
        let mask = if causal { "causal" } else { "full" };
        let mut source = Source::default().size("HEADS", heads).size("D", vectors);
        source = source.float("SCALE", 1.0 / ((4 * vectors) as f32).sqrt()).size("LANES", walk.lanes);
        source = source.repeat('d', vectors).keep(mask);
        match walk.shared {
            Some(keys) => source.size("KEYS", keys).expand(&[include_str!("wgsl/attention_tiled.wgsl")]),
            None => {
                source.size("Q", walk.queries).repeat('q', walk.queries).expand(&[include_str!("wgsl/attention.wgsl")])
            }
        }
    });
    let y = gpu.matrix(qkv.rows, width);
    let workgroups = [tokens.div_ceil(walk.lanes * walk.queries), heads, qkv.rows / tokens];
    let tokens = gpu.uniform([tokens, 0, 0, 0]);
    gpu.record(&pipeline, &[(0, &tokens), (1, qkv.buffer.buffer()), (2, y.buffer.buffer())], workgroups);
    y
}

/// The name of attention's kernel for heads of so many vectors of four.
pub fn kernel(walk: Walk, Sequences { heads, causal, .. }: Sequences, vectors: usize) -> String {
    let mask = if causal { "causal" } else { "full" };
    format!("attention {heads} heads of {vectors} vectors, {mask}, {}", walk.name())
}
