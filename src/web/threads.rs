//! More than one core for the CPU path: products and attention on several threads, where the page is isolated.
//!
//! The weights lie in a memory of their own, which helpers share: workers that run nothing but the kernel's module
//! (`src/cpu/threads.wat`). Activations are copied in and results out. `www/threads.ts` asks the page for helpers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Float32Array, Function, Object, Promise, Reflect, Uint8Array, Uint32Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::kernel::first;
use crate::cpu::kernel::{self, Attention, Held, Kernel, Product};
use crate::cpu::places::{Place, Places};
use crate::cpu::split::Split;

const MODULES: [&[u8]; 2] = [
    include_bytes!(concat!(env!("OUT_DIR"), "/kernel-threads-fused.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/kernel-threads.wasm")),
];

/// Where the module keeps its own words, and where those begin that say what is to be done.
const WORDS: usize = 256;
const TASK: u32 = 192;
/// Bytes of a page of WebAssembly's memory, and the most pages: what the modules say.
const PAGE: usize = 65_536;
const MOST_PAGES: u32 = 65_536;
/// Bytes of a number.
const FLOAT: usize = 4;
/// Slices begin on lines of the cache, so that no two threads write one.
const LINE: usize = 64;
/// A product of fewer multiplications is done sooner than a helper wakes.
const SMALL: usize = 1 << 20;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Workers that compute parts of a product. */
export interface Helpers {
  /** Those that have started. */
  count: number;
  /** Milliseconds to wait for one that does not finish; then all are ended. */
  patience: number;
  /** Ends them. */
  stop(): void;
}

/** Starts workers that call the module's `help`; it imports the memory. */
export type StartHelpers = (module: WebAssembly.Module, memory: WebAssembly.Memory) => Promise<Helpers>;
"#;

#[wasm_bindgen]
extern "C" {
    /// `StartHelpers` in TypeScript.
    #[wasm_bindgen(typescript_type = "StartHelpers", extends = Function)]
    pub type JsStartHelpers;

    /// `Helpers` in TypeScript.
    #[derive(Debug)]
    type Helpers;
    #[wasm_bindgen(method, getter)]
    fn count(this: &Helpers) -> usize;
    #[wasm_bindgen(method, getter)]
    fn patience(this: &Helpers) -> u32;
    #[wasm_bindgen(method)]
    fn stop(this: &Helpers);

    /// A memory that threads share.
    #[derive(Debug)]
    #[wasm_bindgen(js_namespace = WebAssembly, js_name = Memory)]
    type Memory;
    #[wasm_bindgen(constructor, catch, js_namespace = WebAssembly, js_class = "Memory")]
    fn new(descriptor: &Object) -> Result<Memory, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn buffer(this: &Memory) -> Object;
    #[wasm_bindgen(method, catch)]
    fn grow(this: &Memory, pages: usize) -> Result<usize, JsValue>;

    /// The exports of the module for threads.
    #[derive(Debug)]
    type Exports;
    #[wasm_bindgen(method)]
    fn share(this: &Exports, chunks: usize, patience: u32) -> u32;
    #[wasm_bindgen(method)]
    fn alone(this: &Exports, chunks: usize);
}

thread_local! {
    /// How to start helpers, until it was tried.
    static OFFER: RefCell<Option<Function>> = const { RefCell::new(None) };
    /// The threads of this worker, once they run.
    static POOL: RefCell<Option<Rc<Pool>>> = const { RefCell::new(None) };
}

/// Says how helpers are started, should the CPU compute. Without it there is one thread.
#[wasm_bindgen(js_name = offerThreads)]
pub fn offer_threads(start: JsStartHelpers) {
    OFFER.with(|cell| cell.replace(Some(start.into())));
}

/// Starts helpers where they were offered and do not run yet; gives the number of threads that compute.
pub async fn start() -> usize {
    if let Some(offer) = OFFER.with(RefCell::take) {
        // A browser that refuses keeps its one thread.
        if let Ok(Some(pool)) = open(&offer).await {
            kernel::install(Rc::new(Shared { pool: pool.clone(), alone: kernel::installed() }));
            POOL.with(|cell| cell.replace(Some(pool)));
        }
    }
    running()
}

/// The number of threads that compute now: one, once a helper was lost.
#[must_use]
pub fn running() -> usize {
    POOL.with(|cell| cell.borrow().as_ref().map_or(1, |pool| pool.threads.get()))
}

async fn open(offer: &Function) -> Result<Option<Rc<Pool>>, JsValue> {
    let descriptor = Object::new();
    for (name, value) in [("initial", 1.into()), ("maximum", MOST_PAGES.into()), ("shared", JsValue::TRUE)] {
        Reflect::set(&descriptor, &name.into(), &value)?;
    }
    let memory = Memory::new(&descriptor)?;
    let Some((module, exports)) = first(&MODULES, &memory) else { return Ok(None) };
    let started = offer.call2(&JsValue::NULL, &module, &memory)?;
    let helpers: Helpers = JsFuture::from(Promise::resolve(&started)).await?.unchecked_into();
    let threads = Cell::new(1 + helpers.count());
    if threads.get() == 1 {
        return Ok(None);
    }
    let places = RefCell::new(Places::new(WORDS));
    Ok(Some(Rc::new(Pool { exports: exports.unchecked_into(), memory, places, helpers, threads })))
}

/// The memory, and who computes in it.
#[derive(Debug)]
struct Pool {
    exports: Exports,
    memory: Memory,
    places: RefCell<Places>,
    helpers: Helpers,
    threads: Cell<usize>,
}

/// Computes on all threads.
#[derive(Debug)]
struct Shared {
    pool: Rc<Pool>,
    /// For weights that the shared memory has no place for.
    alone: Option<Rc<dyn Kernel>>,
}

/// A weight in the shared memory.
#[derive(Debug)]
struct There {
    place: Place,
    pool: Rc<Pool>,
}

impl Kernel for Shared {
    fn hold(&self, panels: Vec<f32>) -> Option<Rc<dyn Held>> {
        let pool = &self.pool;
        let place = pool.places.borrow_mut().take(panels.len() * FLOAT);
        let there = There { place, pool: pool.clone() };
        if pool.reach(place.start + place.bytes).is_err() {
            return self.alone.as_ref()?.hold(panels);
        }
        pool.view(place.start, panels.len()).copy_from(&panels);
        Some(Rc::new(there))
    }

    fn attend(&self, attention: Attention<'_>) {
        self.pool.attend(attention);
    }
}

impl Held for There {
    fn multiply(&self, product: Product<'_>) {
        self.pool.multiply(self.place.start, product);
    }
}

impl Drop for There {
    fn drop(&mut self) {
        self.pool.places.borrow_mut().give_back(self.place);
    }
}

impl Pool {
    /// Makes the memory at least so long, in bytes.
    fn reach(&self, bytes: usize) -> Result<(), JsValue> {
        let there = Uint8Array::new(&self.memory.buffer()).byte_length() as usize;
        let missing = bytes.saturating_sub(there).div_ceil(PAGE);
        if missing > 0 {
            self.memory.grow(missing)?;
        }
        Ok(())
    }

    /// [`Pool::reach`], where there is no other way.
    fn reach_or_throw(&self, bytes: usize) {
        if let Err(error) = self.reach(bytes) {
            wasm_bindgen::throw_val(error); // as any allocation that fails
        }
    }

    /// `length` numbers at address `start`.
    fn view(&self, start: usize, length: usize) -> Float32Array {
        Float32Array::new_with_byte_offset_and_length(&self.memory.buffer(), start as u32, length as u32)
    }

    /// Copies these in behind all weights, and makes room for `more` numbers; gives the address of each, and of the room.
    fn lay<const N: usize>(&self, slices: [&[f32]; N], more: usize) -> ([usize; N], usize) {
        let mut next = self.places.borrow().end();
        let places = slices.map(|slice| {
            let place = next;
            next = (next + slice.len() * FLOAT).next_multiple_of(LINE);
            place
        });
        self.reach_or_throw(next + more * FLOAT);
        for (slice, place) in slices.iter().zip(places) {
            self.view(place, slice.len()).copy_from(slice);
        }
        (places, next)
    }

    /// Multiplies by the panels at address `b`.
    fn multiply(&self, b: usize, Product { a, c, bias, shape: [m, n, k], block, quick_gelu }: Product<'_>) {
        let ([from, bias], to) = self.lay([a, bias], c.len());
        // A product that is done sooner than a helper wakes is one chunk.
        let threads = if m.saturating_mul(n).saturating_mul(k) < SMALL { 1 } else { self.threads.get() };
        let Split { columns, chunks } =
            if threads == 1 { Split { columns: n, chunks: 1 } } else { Split::new(n, threads) };
        let task = |to| [0, from, b, to, m, n, k, bias, block, usize::from(quick_gelu), columns];
        let to = self.run(task, chunks, to, c.len() * FLOAT);
        self.view(to, c.len()).copy_to(c);
    }

    /// One chunk for each head of each picture.
    fn attend(&self, attention: Attention<'_>) {
        let (pairs, scratch) = (attention.pairs(), attention.scratch());
        let Attention { q, k, v, out, tokens, width, head, causal } = attention;
        let ([queries, keys, values], to) = self.lay([q, k, v], out.len() + pairs * scratch);
        let room = out.len() * FLOAT;
        let task = |to| {
            let scratch = [to + room, scratch * FLOAT];
            [1, queries, keys, values, to, tokens, width, head, usize::from(causal), scratch[0], scratch[1]]
        };
        let to = self.run(task, pairs, to, room + pairs * scratch * FLOAT);
        self.view(to, out.len()).copy_to(out);
    }

    /// Does `task` in so many chunks, where it writes `bytes` bytes from the address that it is made for: `to`, or behind
    /// that, should a helper be lost. Gives the address.
    fn run(&self, task: impl Fn(usize) -> [usize; 11], chunks: usize, to: usize, bytes: usize) -> usize {
        self.tell(task(to));
        if self.threads.get() == 1 || chunks == 1 {
            self.exports.alone(chunks);
            return to;
        }
        if self.exports.share(chunks, self.helpers.patience()) != 0 {
            return to;
        }
        let end = to + bytes;
        self.lose_helpers(end);
        let anew = end.next_multiple_of(LINE);
        self.reach_or_throw(anew + bytes);
        self.tell(task(anew));
        self.exports.alone(chunks);
        anew
    }

    /// Writes what is to be done where the module reads it.
    fn tell(&self, task: [usize; 11]) {
        let words = Uint32Array::new_with_byte_offset_and_length(&self.memory.buffer(), TASK, task.len() as u32);
        words.copy_from(&task.map(|word| word as u32));
    }

    /// Goes on with one thread. A helper ends later than it is told to, and one that was only held up may still write: then
    /// where nothing else will be, because the memory up to `end` is not given back.
    fn lose_helpers(&self, end: usize) {
        self.helpers.stop();
        self.threads.set(1);
        let mut places = self.places.borrow_mut();
        let bytes = end - places.end();
        places.take(bytes);
    }
}
