//! Gives the CPU path its matrix product: [`crate::cpu::product`] says why that is a module of its own.

use js_sys::{Object, Reflect, Uint8Array, WebAssembly};
use wasm_bindgen::prelude::*;

use crate::cpu::product::{self, Product};

/// With fused multiply-add, and for browsers without relaxed SIMD.
const MODULES: [&[u8]; 2] = [
    include_bytes!(concat!(env!("OUT_DIR"), "/multiply-fused.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/multiply.wasm")),
];

#[wasm_bindgen]
extern "C" {
    /// The exports of such a module.
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
    );
}

/// Takes the first module that this browser accepts; none is no error, only slower.
pub fn install() {
    let Some(exports) = MODULES.iter().find_map(|bytes| instantiate(bytes).ok()) else { return };
    product::install(Box::new(move |Product { a, b, c, bias, shape: [m, n, k], block }| {
        exports.multiply(a.as_ptr(), b.as_ptr(), c.as_mut_ptr(), m, n, k, bias.as_ptr(), block);
    }));
}

/// Compiles a module of 2 kB and gives it this program's memory.
fn instantiate(bytes: &[u8]) -> Result<Exports, JsValue> {
    let (imports, environment) = (Object::new(), Object::new());
    Reflect::set(&environment, &"memory".into(), &wasm_bindgen::memory())?;
    Reflect::set(&imports, &"env".into(), &environment)?;
    let module = WebAssembly::Module::new(&Uint8Array::from(bytes))?;
    Ok(WebAssembly::Instance::new(&module, &imports)?.exports().unchecked_into())
}
