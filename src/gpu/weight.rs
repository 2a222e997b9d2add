//! Weights as they lie in their file, and the products that they make.

use super::context::Context;

/// How a weight's numbers lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// float32.
    F32,
    /// float16, expanded to float32 in the kernel.
    F16,
    /// int8 with one scale for each output channel, expanded to float32 in the kernel.
    Int8,
}

impl Format {
    /// Its name in pipelines' names and in what was tuned.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }

    /// The file that reads it.
    pub(super) fn reader(self) -> &'static str {
        match self {
            Self::F32 => include_str!("wgsl/weight_f32.wgsl"),
            Self::F16 => include_str!("wgsl/weight_f16.wgsl"),
            Self::Int8 => include_str!("wgsl/weight_int8.wgsl"),
        }
    }
}

/// A product, as far as it matters for how it is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Product {
    /// Outputs and inputs of the weight.
    pub shape: [usize; 2],
    /// How the weight is stored.
    pub format: Format,
}

impl Product {
    /// A name that stays the same, for what was tuned: `768→3072 int8`.
    #[must_use]
    pub fn name(self) -> String {
        let [outputs, inputs] = self.shape;
        format!("{inputs}→{outputs} {}", self.format.name())
    }
}

/// A weight `[outputs, inputs]` on the device, as it lies in its file.
#[derive(Debug, Clone)]
pub struct Weight {
    pub(super) format: Format,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) values: wgpu::Buffer,
    /// `[outputs]`, with [`Format::Int8`].
    pub(super) scales: Option<wgpu::Buffer>,
}

impl Weight {
    /// Puts a weight on the device. `bytes` are little-endian, row-major; `scales` belong to [`Format::Int8`].
    #[must_use]
    pub fn new(gpu: &Context, format: Format, [outputs, inputs]: [usize; 2], bytes: &[u8], scales: &[f32]) -> Self {
        let values = gpu.storage("weight", bytes);
        let scales = (format == Format::Int8).then(|| gpu.floats("scales", scales));
        Self { format, outputs, inputs, values, scales }
    }

    /// How its numbers lie in memory.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The product it makes.
    #[must_use]
    pub fn product(&self) -> Product {
        Product { shape: [self.outputs, self.inputs], format: self.format }
    }

    /// Gives its memory back: dropping it frees nothing in a browser until its garbage is collected.
    pub fn destroy(self) {
        self.values.destroy();
        self.scales.inspect(wgpu::Buffer::destroy);
    }

    /// Weights over the same inputs as one, `[sum of outputs, inputs]`: their products become one product.
    /// `None` where they differ in form.
    #[must_use]
    pub fn stack(gpu: &Context, parts: &[Self]) -> Option<Self> {
        let first = parts.first()?;
        if parts.iter().any(|part| part.format != first.format || part.inputs != first.inputs) {
            return None;
        }
        let join = |buffers: &[&wgpu::Buffer]| stack_buffers(gpu, buffers);
        let values = join(&parts.iter().map(|part| &part.values).collect::<Vec<_>>());
        let scales: Option<Vec<_>> = parts.iter().map(|part| part.scales.as_ref()).collect();
        Some(Self {
            format: first.format,
            outputs: parts.iter().map(|part| part.outputs).sum(),
            inputs: first.inputs,
            values,
            scales: scales.map(|scales| join(&scales)),
        })
    }
}

/// Buffers one after another in one.
#[must_use]
pub fn stack_buffers(gpu: &Context, parts: &[&wgpu::Buffer]) -> wgpu::Buffer {
    let whole = gpu.empty("weight", parts.iter().map(|part| part.size()).sum());
    parts.iter().fold(0, |at, part| {
        gpu.copy(part, &whole, at);
        at + part.size()
    });
    whole
}
