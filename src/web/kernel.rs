//! Gives the CPU path its matrix product: [`crate::cpu::product`] says why that is a module of its own.

use std::rc::Rc;

use js_sys::{Object, Reflect, Uint8Array, WebAssembly};
use wasm_bindgen::prelude::*;

use crate::cpu::product::{self, Held, Kernel, Product};

/// With fused multiply-add, and for browsers without relaxed SIMD.
const MODULES: [&[u8]; 2] = [
    include_bytes!(concat!(env!("OUT_DIR"), "/multiply-fused.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/multiply.wasm")),
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
        from: usize,
        to: usize,
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
}

impl Held for Own {
    fn multiply(&self, Product { a, c, bias, shape: [m, n, k], block }: Product<'_>) {
        let panels = self.panels.as_ptr();
        self.exports.multiply(a.as_ptr(), panels, c.as_mut_ptr(), m, n, k, bias.as_ptr(), block, 0, n);
    }
}

/// Takes the first module that this browser accepts; none is no error, only slower.
pub fn install() {
    let memory = wasm_bindgen::memory();
    if let Some((_, exports)) = first(&MODULES, &memory) {
        product::install(Rc::new(Alone(exports.unchecked_into())));
    }
}

/// The first of `modules` that this browser accepts, and its exports; it works in `memory`.
pub(super) fn first(modules: &[&[u8]], memory: &JsValue) -> Option<(WebAssembly::Module, Object)> {
    modules.iter().find_map(|bytes| instantiate(bytes, memory).ok())
}

/// Compiles a module of 2 kB.
fn instantiate(bytes: &[u8], memory: &JsValue) -> Result<(WebAssembly::Module, Object), JsValue> {
    let (imports, environment) = (Object::new(), Object::new());
    Reflect::set(&environment, &"memory".into(), memory)?;
    Reflect::set(&imports, &"env".into(), &environment)?;
    let module = WebAssembly::Module::new(&Uint8Array::from(bytes))?;
    let exports = WebAssembly::Instance::new(&module, &imports)?.exports();
    Ok((module, exports))
}
