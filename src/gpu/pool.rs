//! Buffers for activations. A pass takes what it needs and gives it back, so that the next block, and the next pass
//! over as many pictures, find everything allocated.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::mem::take;
use std::sync::{Arc, Mutex};

use super::lock::lock;

/// Bytes that are kept of what the last pass did not use: pictures and captions take turns, and one view and two.
const IDLE_BYTES: u64 = 128 << 20;

/// Buffers that are free.
#[derive(Debug, Default)]
pub struct Pool {
    free: Mutex<Free>,
}

#[derive(Debug, Default)]
struct Free {
    /// Passes so far.
    pass: u64,
    /// By length in bytes, each with the pass that used it last.
    buffers: HashMap<u64, Vec<(u64, wgpu::Buffer)>>,
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
        let buffer = lock(&self.free).buffers.get_mut(&bytes).and_then(Vec::pop);
        let buffer = buffer.map_or_else(
            || {
                device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("activations"),
                    size: bytes,
                    usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                })
            },
            |(_, buffer)| buffer,
        );
        Scratch { buffer, pool: self.clone() }
    }

    /// Begins a pass: what the last one used stays, and of the rest what was used last, up to [`IDLE_BYTES`]. Everything
    /// that was recorded must have been submitted.
    pub fn begin(&self) {
        let mut free = lock(&self.free);
        let mut buffers: Vec<_> = take(&mut free.buffers).into_values().flatten().collect();
        buffers.sort_by_key(|&(pass, _)| Reverse(pass));
        let (last, mut idle) = (free.pass, 0);
        free.pass += 1;
        for (pass, buffer) in buffers {
            idle += if pass == last { 0 } else { buffer.size() };
            if idle > IDLE_BYTES {
                buffer.destroy(); // dropping it frees nothing in a browser until its garbage is collected
            } else {
                free.buffers.entry(buffer.size()).or_default().push((pass, buffer));
            }
        }
    }

    /// Gives the free buffers' memory back. Everything that was recorded must have been submitted; what runs is waited for
    /// by the device.
    pub fn clear(&self) {
        let buffers = take(&mut lock(&self.free).buffers);
        buffers.into_values().flatten().for_each(|(_, buffer)| buffer.destroy());
    }

    /// Shows each free buffer.
    pub fn each(&self, mut shown: impl FnMut(&wgpu::Buffer)) {
        lock(&self.free).buffers.values().flatten().for_each(|(_, buffer)| shown(buffer));
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
        let mut free = lock(&self.pool.free);
        let pass = free.pass;
        free.buffers.entry(self.buffer.size()).or_default().push((pass, self.buffer.clone()));
    }
}
