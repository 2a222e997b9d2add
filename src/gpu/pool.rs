//! Buffers for activations. A pass takes what it needs and gives it back, so that the next block, and the next pass
//! over as many pictures, find everything allocated.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::lock::lock;

/// Buffers that are free, by length in bytes.
#[derive(Debug, Default)]
pub struct Pool {
    free: Mutex<HashMap<u64, Vec<wgpu::Buffer>>>,
}

/// A buffer that goes back to its pool.
#[derive(Debug)]
pub struct Scratch {
    buffer: wgpu::Buffer,
    pool: Arc<Pool>,
}

impl Pool {
    /// A free buffer of `bytes`, or a new one.
    pub fn take(self: &Arc<Self>, device: &wgpu::Device, bytes: u64) -> Scratch {
        let buffer = lock(&self.free).get_mut(&bytes).and_then(Vec::pop);
        let buffer = buffer.unwrap_or_else(|| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("activations"),
                size: bytes,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        });
        Scratch { buffer, pool: self.clone() }
    }

    /// Gives the free buffers' memory back.
    pub fn clear(&self) {
        lock(&self.free).clear();
    }
}

impl Scratch {
    /// The buffer.
    #[must_use]
    pub fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        lock(&self.pool.free).entry(self.buffer.size()).or_default().push(self.buffer.clone());
    }
}
