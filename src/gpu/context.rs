//! A device with its queue: kernels are compiled once, recorded one after another, and submitted together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::failure::{Failure, failed};
use super::lock::lock;
use super::matrix::Matrix;
use super::pool::Pool;
use super::signal::signal;
use crate::Result;

/// What is known of the adapter that a device was opened on.
#[derive(Debug, Clone, Default)]
pub struct Adapter {
    /// Tells it and its driver from others of this machine.
    pub name: String,
    /// The processor plays the GPU.
    pub software: bool,
}

/// A WebGPU device that runs our kernels. Shared by everything that computes on it.
#[derive(Debug)]
pub struct Context {
    adapter: Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    pool: Arc<Pool>,
    pipelines: Mutex<HashMap<String, wgpu::ComputePipeline>>,
    uniforms: Mutex<HashMap<[u32; 4], wgpu::Buffer>>,
    indices: Mutex<HashMap<Vec<usize>, wgpu::Buffer>>,
    recorded: Mutex<Vec<Recorded>>,
    failure: Failure,
}

/// Lists of rows that are kept on the device; captions end anywhere, so there is no end to them.
const MOST_INDICES: usize = 256;

/// A kernel with its data, not submitted yet.
#[derive(Debug, Clone)]
struct Recorded {
    pipeline: wgpu::ComputePipeline,
    data: wgpu::BindGroup,
    workgroups: [u32; 3],
}

/// What a kernel reads and writes: binding number and buffer.
pub type Bindings<'a> = &'a [(u32, &'a wgpu::Buffer)];

impl Context {
    /// Uses a device that is open, and hears from now on what it complains about: whoever else set a handler before is
    /// replaced.
    #[must_use]
    pub fn new(adapter: Adapter, device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let failure = Failure::default();
        failure.hear(&device);
        Self {
            adapter,
            device,
            queue,
            pool: Arc::default(),
            pipelines: Mutex::default(),
            uniforms: Mutex::default(),
            indices: Mutex::default(),
            recorded: Mutex::default(),
            failure,
        }
    }

    /// What tells the adapter and its driver from others.
    #[must_use]
    pub fn adapter(&self) -> &str {
        &self.adapter.name
    }

    /// Whether the processor plays the GPU.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.adapter.software
    }

    /// What the device allows.
    #[must_use]
    pub fn limits(&self) -> wgpu::Limits {
        self.device.limits()
    }

    /// Whether the kernel of that name was compiled.
    #[must_use]
    pub fn is_compiled(&self, name: &str) -> bool {
        lock(&self.pipelines).contains_key(name)
    }

    /// The kernel of that name, compiled from `source` at the first call.
    pub fn pipeline(&self, name: &str, source: impl FnOnce() -> String) -> wgpu::ComputePipeline {
        let mut pipelines = lock(&self.pipelines);
        if let Some(known) = pipelines.get(name) {
            return known.clone();
        }
        let code = wgpu::ShaderSource::Wgsl(source().into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(name), source: code });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        pipelines.insert(name.to_owned(), pipeline.clone());
        pipeline
    }

    /// Records a kernel; it runs after those recorded before it.
    pub fn record(&self, pipeline: &wgpu::ComputePipeline, data: Bindings<'_>, workgroups: [usize; 3]) {
        let entries: Vec<_> = (data.iter())
            .map(|&(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let data = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let workgroups = workgroups.map(|count| count as u32);
        lock(&self.recorded).push(Recorded { pipeline: pipeline.clone(), data, workgroups });
    }

    /// Records the last kernel so many times more, with the same data.
    pub fn repeat(&self, times: usize) {
        let mut recorded = lock(&self.recorded);
        if let Some(last) = recorded.last().cloned() {
            let length = recorded.len() + times;
            recorded.resize(length, last);
        }
    }

    /// Submits what was recorded as one command buffer.
    pub fn submit(&self) {
        let recorded = std::mem::take(&mut *lock(&self.recorded));
        if recorded.is_empty() {
            return;
        }
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for Recorded { pipeline, data, workgroups: [x, y, z] } in &recorded {
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, data, &[]);
            pass.dispatch_workgroups(*x, *y, *z);
        }
        drop(pass);
        self.queue.submit([encoder.finish()]);
    }

    /// Four numbers that a kernel reads; equal ones share a buffer, so that a pass writes none.
    pub fn uniform(&self, values: [usize; 4]) -> wgpu::Buffer {
        let values = values.map(|value| value as u32);
        let make = || self.buffer("uniform", bytes_of(&values), wgpu::BufferUsages::UNIFORM);
        lock(&self.uniforms).entry(values).or_insert_with(make).clone()
    }

    /// Numbers of rows; equal lists share a buffer.
    pub fn indices(&self, rows: &[usize]) -> wgpu::Buffer {
        let mut indices = lock(&self.indices);
        if let Some(known) = indices.get(rows) {
            return known.clone();
        }
        if indices.len() >= MOST_INDICES {
            indices.clear();
        }
        let values: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let buffer = self.storage("rows", bytes_of(&values));
        indices.insert(rows.to_vec(), buffer.clone());
        buffer
    }

    /// A buffer that lives on the device, for kernels to read.
    #[must_use]
    pub fn storage(&self, label: &str, bytes: &[u8]) -> wgpu::Buffer {
        self.buffer(label, bytes, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC)
    }

    /// [`Context::storage`] of floats.
    #[must_use]
    pub fn floats(&self, label: &str, values: &[f32]) -> wgpu::Buffer {
        self.storage(label, bytes_of(values))
    }

    /// An empty buffer for `bytes`, which [`Context::copy`] fills.
    #[must_use]
    pub fn empty(&self, label: &str, bytes: u64) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    /// Copies all of `from` into `to`, beginning at byte `at`.
    pub fn copy(&self, from: &wgpu::Buffer, to: &wgpu::Buffer, at: u64) {
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(from, 0, to, at, from.size());
        self.queue.submit([encoder.finish()]);
    }

    /// Activations for `rows` rows, with whatever was in the buffer before.
    pub fn matrix(&self, rows: usize, width: usize) -> Matrix {
        let bytes = (rows * width * size_of::<f32>()).next_multiple_of(16) as u64;
        Matrix { buffer: self.pool.take(&self.device, bytes), rows, width }
    }

    /// Begins a pass. Buffers that the last few did not use are given back.
    pub fn begin(&self) {
        self.submit(); // what is given back must not be in use by what is not submitted yet
        self.pool.begin();
    }

    /// Fills the buffers that no activations use with zeros, so that no result of an earlier kernel passes for the next
    /// one's.
    pub fn wipe(&self) {
        self.submit();
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.pool.each(|buffer| encoder.clear_buffer(buffer, 0, None));
        self.queue.submit([encoder.finish()]);
    }

    /// Takes back what the device complained about, with the buffers that may be broken by it: what follows is judged
    /// anew. `false` where it did not complain, so that a failure is the device's own end.
    pub fn forgive(&self) -> bool {
        self.trim();
        self.failure.forgive()
    }

    /// Whether the device has complained.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`] with its first complaint.
    pub fn check(&self) -> Result<()> {
        self.failure.check()
    }

    /// Rows of `width` values that a kernel can take at once.
    #[must_use]
    pub fn most_rows(&self, width: usize) -> usize {
        let limits = self.device.limits();
        let bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) as usize;
        (bytes / (width * size_of::<f32>())).min(limits.max_compute_workgroups_per_dimension as usize)
    }

    /// Activations with these values, `[rows, width]`.
    pub fn upload(&self, values: &[f32], width: usize) -> Matrix {
        // Writing comes before everything that is not submitted yet, and the buffer may be in use there.
        self.submit();
        let matrix = self.matrix(values.len() / width, width);
        self.queue.write_buffer(matrix.buffer.buffer(), 0, bytes_of(values));
        matrix
    }

    /// Gives back the buffers that no activations use.
    pub fn trim(&self) {
        self.submit(); // as in `begin`
        self.pool.clear();
    }

    /// Runs everything that was recorded and reads `[rows, width]` back.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`] where the device was lost or has complained: then the values are not what was asked for.
    pub async fn read(&self, matrix: &Matrix) -> Result<Vec<f32>> {
        let bytes = (matrix.rows * matrix.width * size_of::<f32>()) as u64;
        self.submit();
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read back"),
            size: bytes,
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(matrix.buffer.buffer(), 0, &staging, 0, bytes);
        self.queue.submit([encoder.finish()]);
        let (done, mapped) = signal();
        staging.slice(..).map_async(wgpu::MapMode::Read, done);
        self.turn()?;
        let mapped = mapped.await;
        self.check()?; // it says more than a buffer that cannot be mapped
        mapped.map_err(|error| failed(error.to_string()))?;
        let view = staging.slice(..).get_mapped_range().map_err(|error| failed(error.to_string()))?;
        let values = view.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
        drop(view);
        staging.destroy(); // a browser would keep it until its garbage is collected
        Ok(values)
    }

    /// Runs everything that was recorded and waits for it.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`] where the device was lost or has complained: then the values are not what was asked for.
    pub async fn wait(&self) -> Result<()> {
        self.submit();
        let (done, finished) = signal();
        self.queue.on_submitted_work_done(move || done(()));
        self.turn()?;
        finished.await;
        self.check()
    }

    /// Natively somebody must turn the crank; a browser does so by itself, and there this does nothing.
    fn turn(&self) -> Result<()> {
        let turned = self.device.poll(wgpu::PollType::wait_indefinitely());
        turned.map(|_| ()).map_err(|error| failed(error.to_string()))
    }

    fn buffer(&self, label: &str, bytes: &[u8], usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes.len().next_multiple_of(4) as u64,
            usage: usage | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&buffer, 0, bytes);
        buffer
    }
}

/// Numbers as the device wants them: little-endian, which is also what every platform of wgpu is.
fn bytes_of<T: bytemuck::NoUninit>(values: &[T]) -> &[u8] {
    bytemuck::cast_slice(values)
}
