//! Products, the work of a transformer: `y = x · Wᵀ`, with what follows done while the sums are in registers.

use super::context::Context;
use super::matrix::Matrix;
use super::source::Source;
use super::weight::{Format, Weight};

/// A way to compute a product. Which is fastest depends on the device and on the shape: see [`super::tuning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Vectors along the inputs that a workgroup shares at a time; `None` shares nothing.
    pub shared: Option<usize>,
    /// Invocations of a workgroup, along the outputs and along the rows.
    pub lanes: [usize; 2],
    /// Rows of an invocation.
    pub rows: usize,
    /// Columns of an invocation.
    pub columns: usize,
}

/// Every way that is tried, the safest first.
pub const TILES: [Tile; 6] = [
    Tile { shared: None, lanes: [8, 8], rows: 4, columns: 4 },
    Tile { shared: None, lanes: [16, 1], rows: 8, columns: 8 },
    Tile { shared: None, lanes: [16, 1], rows: 12, columns: 12 },
    Tile { shared: Some(4), lanes: [16, 16], rows: 4, columns: 4 },
    Tile { shared: Some(4), lanes: [8, 8], rows: 8, columns: 8 },
    Tile { shared: Some(2), lanes: [16, 16], rows: 8, columns: 8 },
];

impl Tile {
    /// A name that stays the same, for what was tuned: `registers-8x8-4x4`, `shared4-16x16-4x4`.
    #[must_use]
    pub fn name(&self) -> String {
        let kind = self.shared.map_or_else(|| "registers".to_owned(), |vectors| format!("shared{vectors}"));
        format!("{kind}-{}x{}-{}x{}", self.lanes[0], self.lanes[1], self.rows, self.columns)
    }

    /// The tile of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TILES.into_iter().find(|tile| tile.name() == name)
    }

    /// Whether a device of these limits can run it.
    #[must_use]
    pub fn fits(&self, limits: &wgpu::Limits) -> bool {
        let [x, y] = self.lanes;
        let vectors = self.shared.map_or(0, |vectors| (vectors + 1) * (self.rows * y + self.columns * x));
        x * y <= limits.max_compute_invocations_per_workgroup as usize
            && x <= limits.max_compute_workgroup_size_x as usize
            && y <= limits.max_compute_workgroup_size_y as usize
            && vectors * 16 <= limits.max_compute_workgroup_storage_size as usize
    }
}

/// What is done with a product before it is written.
#[derive(Debug, Clone, Copy)]
pub enum Epilogue<'a> {
    /// Nothing.
    Nothing,
    /// x·σ(1.702 x), CLIP's activation.
    QuickGelu,
    /// Adds activations of the same shape.
    Add(&'a Matrix),
}

impl Epilogue<'_> {
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::QuickGelu => Some("quick_gelu"),
            Self::Add(_) => Some("residual"),
        }
    }
}

/// `x · weightᵀ + bias`, then the epilogue: `[rows, inputs]` → `[rows, outputs]`.
pub fn linear(
    gpu: &Context,
    tile: Tile,
    x: &Matrix,
    weight: &Weight,
    bias: Option<&wgpu::Buffer>,
    then: Epilogue<'_>,
) -> Matrix {
    let Weight { outputs, inputs, format, .. } = *weight;
    let pipeline = pipeline(gpu, tile, format, bias.is_some(), then.word());
    let y = gpu.matrix(x.rows, outputs);
    let size = gpu.uniform([x.rows, inputs / 4, outputs, 0]);
    let mut data = vec![(0, &size), (1, x.buffer.buffer()), (2, &weight.values), (6, y.buffer.buffer())];
    data.extend(weight.scales.as_ref().map(|scales| (3, scales)));
    data.extend(bias.map(|bias| (4, bias)));
    if let Epilogue::Add(residual) = then {
        data.push((5, residual.buffer.buffer()));
    }
    let [across, down] = tile.lanes;
    let workgroups = [outputs.div_ceil(across * tile.columns), x.rows.div_ceil(down * tile.rows), 1];
    gpu.record(&pipeline, &data, workgroups);
    y
}

/// The name of a product's kernel.
pub fn kernel(tile: Tile, format: Format, bias: bool, then: Option<&'static str>) -> String {
    format!("linear {} bias={bias} {} {}", format.name(), then.unwrap_or("nothing"), tile.name())
}

fn pipeline(
    gpu: &Context,
    tile: Tile,
    format: Format,
    bias: bool,
    then: Option<&'static str>,
) -> wgpu::ComputePipeline {
    gpu.pipeline(&kernel(tile, format, bias, then), || {
        let [x, y] = tile.lanes;
        let mut source = Source::default().size("X", x).size("Y", y).size("R", tile.rows).size("C", tile.columns);
        source = source.repeat('r', tile.rows).repeat('c', tile.columns);
        source = if bias { source.keep("bias") } else { source };
        source = then.map_or(source.clone(), |word| source.keep(word));
        match tile.shared {
            Some(vectors) => {
                let files = [include_str!("wgsl/linear_tiled.wgsl"), format.reader()];
                source.size("K4", vectors).expand(&files)
            }
            None => source.expand(&[include_str!("wgsl/linear.wgsl"), format.reader()]),
        }
    })
}
