//! Writes the kernels of the CPU path for WebAssembly (`src/cpu/kernel.rs` says why they are a module of their own), as
//! WebAssembly text, and assembles them: with fused multiply-add (relaxed SIMD) and without, for this program's memory
//! and, with what `src/cpu/threads.wat` adds, for a memory that threads share. Attention stands in
//! `src/cpu/attention.wat`; here is the product,
//!
//!     multiply(a, b, c, m, n, k, bias, block, then, from, to): c [m, n] = a [m, k] · b [k, n] + bias [n]
//!
//! of which the columns `from` to before `to` are computed, multiples of 8; `then` 1 passes them through QuickGELU. All
//! addresses are in bytes. `b` lies in panels of 8 columns, `[n / 8][k][8]`, so that a tile reads it in a straight line.
//! `k` is taken in blocks, so that four rows of `a` and one panel of `b` stay in the first-level cache.

use std::path::Path;
use std::{env, error, fs};

/// Rows of a tile: 4 × 2 vectors of sums and 3 of operands fit the 15 vector registers that browsers use on x86-64.
const ROWS: usize = 4;
/// Steps along `k` between two jumps.
const STEPS: usize = 4;
/// What a tile is given: its rows of `a`, one every `as`; a panel; its rows of `c`, one every `cs`; steps; and what to
/// start from, one row every `stride`.
const TILE_PARAMETERS: &str = "(param $a i32) (param $as i32) (param $b i32) (param $c i32) (param $cs i32) (param $k i32) (param $from i32) (param $stride i32)";
const TILE_ARGUMENTS: &str = "(local.get $a) (local.get $as) (local.get $b) (local.get $c) (local.get $cs) (local.get $k) (local.get $from) (local.get $stride)";
/// What else every module has, and what one for several threads has besides.
const ATTENTION: &str = "src/cpu/attention.wat";
const THREADS: &str = "src/cpu/threads.wat";

fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={ATTENTION}");
    println!("cargo::rerun-if-changed={THREADS}");
    let out = env::var("OUT_DIR")?;
    let attention = fs::read_to_string(ATTENTION)?;
    let threads = attention.clone() + &fs::read_to_string(THREADS)?;
    for (fused, of) in [(true, "-fused"), (false, "")] {
        let alone = module("(memory 1)", fused, &attention);
        let shared = module("(memory 1 65536 shared)", fused, &threads);
        for (name, text) in [("kernel", alone), ("kernel-threads", shared)] {
            fs::write(Path::new(&out).join(format!("{name}{of}.wasm")), wat::parse_str(text)?)?;
        }
    }
    Ok(())
}

/// A module that works in `memory`, with the functions of `more`.
fn module(memory: &str, fused: bool, more: &str) -> String {
    let (tile, row) = (tile(ROWS, fused), tile(1, fused));
    format!(
        "(module
  (import \"env\" \"memory\" {memory})
{tile}
{row}
  (func $tile (param $rows i32) {TILE_PARAMETERS}
    (if (i32.eq (local.get $rows) (i32.const {ROWS}))
      (then (call $tile{ROWS} {TILE_ARGUMENTS}))
      (else (call $tile1 {TILE_ARGUMENTS}))))
{more}
  (func $multiply (export \"multiply\")
    (param $a i32) (param $b i32) (param $c i32) (param $m i32) (param $n i32) (param $k i32) (param $bias i32) (param $block i32) (param $then i32) (param $from i32) (param $to i32)
    (local $rows i32) (local $ra i32) (local $rc i32) (local $pb i32) (local $pc i32) (local $end i32)
    (local $as i32) (local $cs i32) (local $start i32) (local $stride i32) (local $size i32)
    (local.set $as (i32.shl (local.get $k) (i32.const 2)))
    (local.set $cs (i32.shl (local.get $n) (i32.const 2)))
    (local.set $end (i32.add (local.get $c) (i32.shl (local.get $to) (i32.const 2))))
    (local.set $c (i32.add (local.get $c) (i32.shl (local.get $from) (i32.const 2))))
    (local.set $b (i32.add (local.get $b) (i32.mul (local.get $from) (local.get $as))))
    (local.set $size (i32.shl (local.get $k) (i32.const 5)))
    (local.set $start (i32.add (local.get $bias) (i32.shl (local.get $from) (i32.const 2))))
    (loop $blocks
      (if (i32.gt_u (local.get $block) (local.get $k)) (then (local.set $block (local.get $k))))
      (local.set $pb (local.get $b))
      (local.set $pc (local.get $c))
      (loop $panels
        (local.set $rows (local.get $m))
        (local.set $ra (local.get $a))
        (local.set $rc (local.get $pc))
        (loop $tiles
          (if (i32.ge_u (local.get $rows) (i32.const {ROWS}))
            (then
              (call $tile{ROWS} (local.get $ra) (local.get $as) (local.get $pb) (local.get $rc) (local.get $cs) (local.get $block) (local.get $start) (local.get $stride))
              (local.set $rows (i32.sub (local.get $rows) (i32.const {ROWS})))
              (local.set $ra (i32.add (local.get $ra) (i32.mul (local.get $as) (i32.const {ROWS}))))
              (local.set $rc (i32.add (local.get $rc) (i32.mul (local.get $cs) (i32.const {ROWS}))))
              (local.set $start (i32.add (local.get $start) (i32.mul (local.get $stride) (i32.const {ROWS})))))
            (else
              (call $tile1 (local.get $ra) (local.get $as) (local.get $pb) (local.get $rc) (local.get $cs) (local.get $block) (local.get $start) (local.get $stride))
              (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
              (local.set $ra (i32.add (local.get $ra) (local.get $as)))
              (local.set $rc (i32.add (local.get $rc) (local.get $cs)))
              (local.set $start (i32.add (local.get $start) (local.get $stride)))))
          (br_if $tiles (local.get $rows)))
        ;; the next 8 columns: of the bias, or of the sums so far
        (local.set $pc (i32.add (local.get $pc) (i32.const 32)))
        (local.set $start (select (local.get $pc) (i32.add (local.get $start) (i32.const 32)) (local.get $stride)))
        (local.set $pb (i32.add (local.get $pb) (local.get $size)))
        (br_if $panels (i32.lt_u (local.get $pc) (local.get $end))))
      ;; later blocks go on from the sums so far
      (local.set $start (local.get $c))
      (local.set $stride (local.get $cs))
      (local.set $a (i32.add (local.get $a) (i32.shl (local.get $block) (i32.const 2))))
      (local.set $b (i32.add (local.get $b) (i32.shl (local.get $block) (i32.const 5))))
      (local.set $k (i32.sub (local.get $k) (local.get $block)))
      (br_if $blocks (local.get $k)))
    (if (local.get $then)
      (then
        (call $quick_gelu (local.get $c) (local.get $cs) (local.get $m) (i32.shl (i32.sub (local.get $to) (local.get $from)) (i32.const 2)))))))"
    )
}

/// `rows` × 8 sums over `k` steps, held in registers; they start from what lies at `from`, row by row.
fn tile(rows: usize, fused: bool) -> String {
    let each = |line: &dyn Fn(usize) -> String| (0..rows).map(line).collect::<String>();
    let locals = each(&|i| format!(" (local $a{i} i32) (local $c{i}0 v128) (local $c{i}1 v128)"));
    let start = each(&|i| {
        format!(
            "    (local.set $a{i} (i32.add (local.get $a) (i32.mul (local.get $as) (i32.const {i}))))
    (local.set $c{i}0 (v128.load (local.get $from)))
    (local.set $c{i}1 (v128.load offset=16 (local.get $from)))
    (local.set $from (i32.add (local.get $from) (local.get $stride)))\n"
        )
    });
    let multiply_add = |sum: String, b: &str| {
        let (x, b, c) = ("(local.get $x)", format!("(local.get ${b})"), format!("(local.get ${sum})"));
        if fused {
            format!("      (local.set ${sum} (f32x4.relaxed_madd {x} {b} {c}))\n")
        } else {
            format!("      (local.set ${sum} (f32x4.add {c} (f32x4.mul {x} {b})))\n")
        }
    };
    let step = |k: usize| {
        let (low, high, at) = (32 * k, 32 * k + 16, 4 * k);
        let operands = format!(
            "      (local.set $b0 (v128.load offset={low} (local.get $b)))
      (local.set $b1 (v128.load offset={high} (local.get $b)))\n"
        );
        let sums = each(&|i| {
            format!("      (local.set $x (v128.load32_splat offset={at} (local.get $a{i})))\n")
                + &multiply_add(format!("c{i}0"), "b0")
                + &multiply_add(format!("c{i}1"), "b1")
        });
        operands + &sums
    };
    let steps: String = (0..STEPS).map(step).collect();
    let advance = each(&|i| format!("      (local.set $a{i} (i32.add (local.get $a{i}) (i32.const {})))\n", 4 * STEPS));
    let store = each(&|i| {
        format!(
            "    (v128.store (local.get $c) (local.get $c{i}0))
    (v128.store offset=16 (local.get $c) (local.get $c{i}1))
    (local.set $c (i32.add (local.get $c) (local.get $cs)))\n"
        )
    });
    let panel = 32 * STEPS;
    format!(
        "  (func $tile{rows}
    {TILE_PARAMETERS}
    (local $end i32) (local $x v128) (local $b0 v128) (local $b1 v128){locals}
{start}    (local.set $end (i32.add (local.get $b) (i32.shl (local.get $k) (i32.const 5))))
    (loop $along
{steps}{advance}      (local.set $b (i32.add (local.get $b) (i32.const {panel})))
      (br_if $along (i32.lt_u (local.get $b) (local.get $end))))
{store})"
    )
}
