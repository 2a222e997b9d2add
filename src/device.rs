//! Where tensors are computed: a WebGPU device or the CPU. The only module that knows which.

use std::sync::Arc;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::cpu::shares;
use crate::gpu::context::{Adapter, Context};
use crate::gpu::tuning::{Choices, Tuned};
use crate::{Error, Result};

/// What the caller asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preference {
    /// A hardware GPU where there is one that can be used, else the CPU.
    #[default]
    Auto,
    /// WebGPU, also on a software adapter; an error where there is none.
    Gpu,
    /// The CPU.
    Cpu,
}

/// Which kind of device computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// WebGPU: the browser's, or Vulkan, Metal or DirectX 12 natively.
    Gpu,
    /// burn-flex, on the processor.
    Cpu,
}

impl Kind {
    /// The word that people use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Gpu => "GPU",
            Self::Cpu => "CPU",
        }
    }
}

/// What a person is told about the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceInfo {
    /// GPU or CPU.
    pub kind: Kind,
    /// The adapter's name as its driver gives it; browsers often keep it to themselves.
    pub name: String,
    /// Why the GPU is not used, where a GPU was wanted.
    pub fallback: Option<String>,
    /// The self-test against the CPU, where the device is a GPU.
    pub self_test: Option<SelfTest>,
}

impl DeviceInfo {
    /// The same, with how many threads the CPU's products take; a GPU keeps its name.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        if self.kind == Kind::Cpu {
            self.name = cpu_name(threads);
        }
        self
    }
}

/// Result of the self-test at start: see [`crate::clip::self_test`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SelfTest {
    /// Largest absolute difference to the CPU's embedding of the same input.
    pub max_difference: f32,
}

/// An open device. Cheap to clone; all clones are the same device.
#[derive(Debug, Clone)]
pub struct Device {
    /// For training a head, and for all that the CPU computes. The same GPU, or the CPU where burn cannot use it.
    burn: burn::tensor::Device,
    /// The GPU for our own kernels.
    gpu: Option<Arc<Tuned>>,
    info: DeviceInfo,
}

impl Device {
    /// The CPU. Always there.
    #[must_use]
    pub fn cpu() -> Self {
        let info = DeviceInfo { kind: Kind::Cpu, name: cpu_name(shares::threads()), fallback: None, self_test: None };
        Self { burn: burn::tensor::Device::flex(), gpu: None, info }
    }

    /// The CPU, in place of a GPU that cannot be used because of `reason`.
    #[must_use]
    pub fn cpu_instead(reason: String) -> Self {
        let mut device = Self::cpu();
        device.info.fallback = Some(reason);
        device
    }

    /// Opens what `preference` asks for. With [`Preference::Auto`] a missing GPU is no error.
    ///
    /// # Errors
    /// [`Error::GpuUnavailable`] with [`Preference::Gpu`].
    pub async fn open(preference: Preference) -> Result<Self> {
        match preference {
            Preference::Cpu => Ok(Self::cpu()),
            Preference::Gpu => open_gpu(true).await,
            Preference::Auto => Ok(match open_gpu(false).await {
                Ok(device) => device,
                Err(Error::GpuUnavailable { reason }) => Self::cpu_instead(reason),
                Err(other) => Self::cpu_instead(other.to_string()),
            }),
        }
    }

    /// What a person is told.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Records a passed self-test.
    #[must_use]
    pub fn with_self_test(mut self, result: SelfTest) -> Self {
        self.info.self_test = Some(result);
        self
    }

    /// Records how many threads the CPU's products take.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.info = self.info.with_threads(threads);
        self
    }

    /// burn's handle, on which tensors are made.
    #[must_use]
    pub fn burn(&self) -> &burn::tensor::Device {
        &self.burn
    }

    /// Which of our kernels were chosen on this GPU, as a text to keep; `None` before any were, and on the CPU.
    #[must_use]
    pub fn kernels(&self) -> Option<String> {
        self.gpu.as_ref().and_then(|gpu| gpu.choices().to_json())
    }

    /// Takes what [`Device::kernels`] gave in an earlier session. What is of another build or another adapter, or no
    /// such text, is left.
    pub fn use_kernels(&self, kept: &str) {
        if let Some(gpu) = &self.gpu {
            gpu.choose(Choices::parse(kept, gpu.context.adapter()));
        }
    }

    /// The GPU on which our kernels run, where it is one.
    pub(crate) fn gpu(&self) -> Option<Arc<Tuned>> {
        self.gpu.clone()
    }

    /// Reads a tensor back, whatever its rank, in row-major order.
    ///
    /// # Errors
    /// [`Error::DeviceFailed`] when the device was lost or the work before it failed.
    pub async fn read<const D: usize>(&self, tensor: Tensor<D>) -> Result<Vec<f32>> {
        let failed = |message: String| Error::DeviceFailed { device: self.info.kind.word(), message };
        let data = tensor.into_data_async().await.map_err(|error| failed(error.to_string()))?;
        self.gpu.as_ref().map_or(Ok(()), |gpu| gpu.context.check())?;
        data.try_into_vec::<f32>().map_err(|error| failed(format!("{error:?}")))
    }
}

fn cpu_name(threads: usize) -> String {
    let what = if cfg!(target_arch = "wasm32") { "WebAssembly SIMD" } else { std::env::consts::ARCH };
    format!("{what}, {threads} thread{}", if threads == 1 { "" } else { "s" })
}

/// What kernels use where the adapter has it: cubecl looks at the adapter, not at what the device was
/// given (cubecl-wgpu 0.11.3, `backend/wgsl.rs`). Browsers offer the first only.
const KERNEL_FEATURES: wgpu::Features =
    wgpu::Features::SHADER_F16.union(wgpu::Features::SHADER_INT64).union(wgpu::Features::SHADER_FLOAT32_ATOMIC);

/// Opens a WebGPU device, and registers it with burn where heads are trained.
///
/// Software adapters are slower than the CPU path; they are used only when WebGPU was asked for by name.
async fn open_gpu(software_too: bool) -> Result<Device> {
    let unavailable = |reason: String| Error::GpuUnavailable { reason };
    let backends = if cfg!(target_arch = "wasm32") { wgpu::Backends::BROWSER_WEBGPU } else { wgpu::Backends::PRIMARY };
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    let instance = wgpu::Instance::new(descriptor);
    let options =
        wgpu::RequestAdapterOptions { power_preference: wgpu::PowerPreference::HighPerformance, ..Default::default() };
    let adapter = instance.request_adapter(&options).await.map_err(|_| {
        unavailable(
            if cfg!(target_arch = "wasm32") {
                "this browser offers no WebGPU adapter"
            } else {
                "no Vulkan, Metal or DirectX 12 adapter was found"
            }
            .to_owned(),
        )
    })?;
    let about = adapter.get_info();
    if about.device_type == wgpu::DeviceType::Cpu && !software_too {
        return Err(unavailable("the only WebGPU adapter is software, which is slower than the CPU path".to_owned()));
    }
    let (device, queue) = adapter
        .request_device(&wgpu::DeviceDescriptor {
            label: Some("safelight"),
            required_features: adapter.features() & (wgpu::Features::TIMESTAMP_QUERY | KERNEL_FEATURES),
            required_limits: adapter.limits(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        })
        .await
        .map_err(|error| unavailable(error.to_string()))?;
    let burn = training::register(instance, adapter, device.clone(), queue.clone())?;
    let about_adapter = Adapter {
        name: format!("{} {} {} {}", about.name, about.vendor, about.device, about.driver_info),
        software: about.device_type == wgpu::DeviceType::Cpu,
    };
    // After burn, whose handler of the device's complaints panics (cubecl-wgpu 0.11.3, `compute/device_poison.rs`).
    let gpu = Some(Arc::new(Tuned::new(Context::new(about_adapter, device, queue))));
    let name = if about.name.is_empty() { "WebGPU".to_owned() } else { about.name };
    Ok(Device { burn, gpu, info: DeviceInfo { kind: Kind::Gpu, name, fallback: None, self_test: None } })
}

/// burn's kernels on a GPU: they train heads, and are most of the code, so that a build that only checks lacks them.
#[cfg(feature = "train")]
mod training {
    use burn::tensor::wgpu::WgpuSetup;

    use super::{Device, Error, Preference, Result};

    impl Device {
        /// Opens what heads are trained on: as [`Device::open`], but the CPU, with the reason, where the GPU lacks
        /// what burn needs.
        ///
        /// # Errors
        /// As [`Device::open`].
        pub async fn open_for_training(preference: Preference) -> Result<Self> {
            let device = Self::open(preference).await?;
            if device.gpu.is_none() || device.burn != burn::tensor::Device::flex() {
                return Ok(device);
            }
            let reason = "the GPU lacks timestamp-query, which the tensor library needs for training".to_owned();
            Ok(Self::cpu_instead(reason))
        }
    }

    /// The device, for burn. cubecl panics on the web without `timestamp-query` (cubecl-wgpu 0.11.3,
    /// `compute/stream.rs`); there burn gets the CPU.
    ///
    /// # Errors
    /// [`Error::GpuUnavailable`].
    pub fn register(
        instance: wgpu::Instance,
        adapter: wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
    ) -> Result<burn::tensor::Device> {
        if cfg!(target_arch = "wasm32") && !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(burn::tensor::Device::flex());
        }
        let backend = adapter.get_info().backend;
        let setup = WgpuSetup { instance, adapter, device, queue, backend };
        let burn = burn::tensor::Device::wgpu_options().setup(setup).init();
        burn.map_err(|error| Error::GpuUnavailable { reason: error.to_string() })
    }
}

#[cfg(not(feature = "train"))]
mod training {
    use super::Result;

    /// Nothing is trained here: burn gets the CPU.
    #[allow(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "as where heads are trained")]
    pub fn register(
        _: wgpu::Instance,
        _: wgpu::Adapter,
        _: wgpu::Device,
        _: wgpu::Queue,
    ) -> Result<burn::tensor::Device> {
        Ok(burn::tensor::Device::flex())
    }
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use pollster::block_on;

    use super::*;

    #[test]
    fn what_a_gpu_that_burn_uses_complains_about_is_an_error_and_no_panic() {
        let device = block_on(Device::open(Preference::Gpu)).unwrap();
        let gpu = device.gpu().unwrap();
        let tensor = Tensor::<1>::from_data([1.0, 2.0], device.burn()) * 2.0;
        assert_eq!(block_on(device.read(tensor.clone())), Ok(vec![2.0, 4.0]));
        gpu.context.record_too_much();
        assert!(matches!(block_on(gpu.context.wait()), Err(Error::DeviceFailed { device: "GPU", .. })));
        assert!(matches!(block_on(device.read(tensor)), Err(Error::DeviceFailed { device: "GPU", .. })));
    }
}
