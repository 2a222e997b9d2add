//! Gives the CPU path its products and its attention: [`crate::cpu::kernel`] says why they are a module of their own.

use std::rc::Rc;

use js_sys::{Object, Reflect, Uint8Array, WebAssembly};
use wasm_bindgen::prelude::*;

use crate::cpu::kernel::{self, Attention, Held, Kernel, Product};

/// With fused multiply-add, and for browsers without relaxed SIMD.
const MODULES: [&[u8]; 2] = [
    include_bytes!(concat!(env!("OUT_DIR"), "/kernel-fused.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/kernel.wasm")),
];

#[wasm_bindgen]
extern "C" {
    /// The exports of such a module.
    #[derive(Debug, Clone)]
    type Exports;

    #[wasm_bindgen(method)]
    #[allow(clippy::too_many_arguments, reason = "the signature of the module's function")]
    fn multiply(
        this: &Exports,
        a: *const f32,
        b: *const f32,
        c: *mut f32,
        m: usize,
        n: usize,
        k: usize,
        bias: *const f32,
        block: usize,
        then: bool,
        from: usize,
        to: usize,
    );

    #[wasm_bindgen(method)]
    #[allow(clippy::too_many_arguments, reason = "the signature of the module's function")]
    fn attend(
        this: &Exports,
        q: *const f32,
        k: *const f32,
        v: *const f32,
        out: *mut f32,
        tokens: usize,
        width: usize,
        head: usize,
        causal: bool,
        scratch: *mut f32,
        pair: usize,
    );
}

/// Computes on this thread, in this program's memory.
#[derive(Debug)]
struct Alone(Exports);

/// A weight in this program's memory.
#[derive(Debug)]
struct Own {
    panels: Vec<f32>,
    exports: Exports,
}

impl Kernel for Alone {
    fn hold(&self, panels: Vec<f32>) -> Option<Rc<dyn Held>> {
        Some(Rc::new(Own { panels, exports: self.0.clone() }))
    }

    fn attend(&self, attention: Attention<'_>) {
        let (pairs, mut scratch) = (attention.pairs(), vec![0.0; attention.scratch()]);
        let Attention { q, k, v, out, tokens, width, head, causal } = attention;
        let (keys, values, scratch) = (k.as_ptr(), v.as_ptr(), scratch.as_mut_ptr());
        for pair in 0..pairs {
            let out = out.as_mut_ptr();
            self.0.attend(q.as_ptr(), keys, values, out, tokens, width, head, causal, scratch, pair);
        }
    }
}

impl Held for Own {
    fn multiply(&self, Product { a, c, bias, shape: [m, n, k], block, quick_gelu }: Product<'_>) {
        let panels = self.panels.as_ptr();
        self.exports.multiply(a.as_ptr(), panels, c.as_mut_ptr(), m, n, k, bias.as_ptr(), block, quick_gelu, 0, n);
    }
}

/// Takes the first module that this browser accepts; none is no error, only slower.
pub fn install() {
    let memory = wasm_bindgen::memory();
    if let Some((_, exports)) = first(&MODULES, &memory) {
        kernel::install(Rc::new(Alone(exports.unchecked_into())));
    }
}

/// The first of `modules` that this browser accepts, and its exports; it works in `memory`.
pub(super) fn first(modules: &[&[u8]], memory: &JsValue) -> Option<(WebAssembly::Module, Object)> {
    modules.iter().find_map(|bytes| instantiate(bytes, memory).ok())
}

/// Compiles a module of 4 kB.
fn instantiate(bytes: &[u8], memory: &JsValue) -> Result<(WebAssembly::Module, Object), JsValue> {
    let (imports, environment) = (Object::new(), Object::new());
    Reflect::set(&environment, &"memory".into(), memory)?;
    Reflect::set(&imports, &"env".into(), &environment)?;
    let module = WebAssembly::Module::new(&Uint8Array::from(bytes))?;
    let exports = WebAssembly::Instance::new(&module, &imports)?.exports();
    Ok((module, exports))
}
