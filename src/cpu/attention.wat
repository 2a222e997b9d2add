  ;; e^x, four at a time, to about 1e-7 of it (Cephes, expf: Cody and Waite's reduction and a polynomial); x is kept
  ;; within what float32 holds.
  (func $exp (param $x v128) (result v128)
    (local $n v128) (local $p v128)
    (local.set $x (f32x4.max (f32x4.min (local.get $x) (v128.const f32x4 88 88 88 88)) (v128.const f32x4 -87 -87 -87 -87)))
    (local.set $n (f32x4.nearest (f32x4.mul (local.get $x) (v128.const f32x4 1.44269504 1.44269504 1.44269504 1.44269504))))
    (local.set $x (f32x4.sub (local.get $x) (f32x4.mul (local.get $n) (v128.const f32x4 0.693359375 0.693359375 0.693359375 0.693359375))))
    (local.set $x (f32x4.add (local.get $x) (f32x4.mul (local.get $n) (v128.const f32x4 2.12194440e-4 2.12194440e-4 2.12194440e-4 2.12194440e-4))))
    (local.set $p (v128.const f32x4 1.9875691500e-4 1.9875691500e-4 1.9875691500e-4 1.9875691500e-4))
    (local.set $p (f32x4.add (f32x4.mul (local.get $p) (local.get $x)) (v128.const f32x4 1.3981999507e-3 1.3981999507e-3 1.3981999507e-3 1.3981999507e-3)))
    (local.set $p (f32x4.add (f32x4.mul (local.get $p) (local.get $x)) (v128.const f32x4 8.3334519073e-3 8.3334519073e-3 8.3334519073e-3 8.3334519073e-3)))
    (local.set $p (f32x4.add (f32x4.mul (local.get $p) (local.get $x)) (v128.const f32x4 4.1665795894e-2 4.1665795894e-2 4.1665795894e-2 4.1665795894e-2)))
    (local.set $p (f32x4.add (f32x4.mul (local.get $p) (local.get $x)) (v128.const f32x4 1.6666665459e-1 1.6666665459e-1 1.6666665459e-1 1.6666665459e-1)))
    (local.set $p (f32x4.add (f32x4.mul (local.get $p) (local.get $x)) (v128.const f32x4 5.0000001201e-1 5.0000001201e-1 5.0000001201e-1 5.0000001201e-1)))
    (local.set $p (f32x4.mul (local.get $p) (f32x4.mul (local.get $x) (local.get $x))))
    (local.set $p (f32x4.add (f32x4.add (local.get $p) (local.get $x)) (v128.const f32x4 1 1 1 1)))
    (f32x4.mul
      (local.get $p)
      (i32x4.shl (i32x4.add (i32x4.trunc_sat_f32x4_s (local.get $n)) (v128.const i32x4 127 127 127 127)) (i32.const 23))))

  ;; QuickGELU, x / (1 + e^(-1.702 x)), in place: `rows` of `bytes` (a multiple of 16), one every `stride`.
  (func $quick_gelu (param $at i32) (param $stride i32) (param $rows i32) (param $bytes i32)
    (local $p i32) (local $end i32) (local $x v128)
    (loop $each
      (local.set $p (local.get $at))
      (local.set $end (i32.add (local.get $at) (local.get $bytes)))
      (loop $along
        (local.set $x (v128.load (local.get $p)))
        (v128.store (local.get $p)
          (f32x4.div (local.get $x)
            (f32x4.add (v128.const f32x4 1 1 1 1)
              (call $exp (f32x4.mul (local.get $x) (v128.const f32x4 -1.702 -1.702 -1.702 -1.702))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (br_if $along (i32.lt_u (local.get $p) (local.get $end))))
      (local.set $at (i32.add (local.get $at) (local.get $stride)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $each (local.get $rows))))

  ;; softmax(scale · x) over the first `valid` of a row of `bytes` (a multiple of 16), in place; the others become 0, or
  ;; as good as.
  (func $softmax (param $row i32) (param $bytes i32) (param $valid i32) (param $scale f32)
    (local $p i32) (local $end i32) (local $most v128) (local $sum v128) (local $by v128) (local $x v128)
    (local.set $end (i32.add (local.get $row) (local.get $bytes)))
    (local.set $p (i32.add (local.get $row) (i32.shl (local.get $valid) (i32.const 2))))
    (block $filled
      (loop $fill
        (br_if $filled (i32.ge_u (local.get $p) (local.get $end)))
        (f32.store (local.get $p) (f32.const -inf))
        (local.set $p (i32.add (local.get $p) (i32.const 4)))
        (br $fill)))
    (local.set $most (v128.load (local.get $row)))
    (local.set $p (local.get $row))
    (loop $along
      (local.set $most (f32x4.max (local.get $most) (v128.load (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 16)))
      (br_if $along (i32.lt_u (local.get $p) (local.get $end))))
    (local.set $most (f32x4.splat (f32.max
      (f32.max (f32x4.extract_lane 0 (local.get $most)) (f32x4.extract_lane 1 (local.get $most)))
      (f32.max (f32x4.extract_lane 2 (local.get $most)) (f32x4.extract_lane 3 (local.get $most))))))
    (local.set $by (f32x4.splat (local.get $scale)))
    (local.set $p (local.get $row))
    (loop $along
      (local.set $x (call $exp (f32x4.mul (local.get $by) (f32x4.sub (v128.load (local.get $p)) (local.get $most)))))
      (v128.store (local.get $p) (local.get $x))
      (local.set $sum (f32x4.add (local.get $sum) (local.get $x)))
      (local.set $p (i32.add (local.get $p) (i32.const 16)))
      (br_if $along (i32.lt_u (local.get $p) (local.get $end))))
    (local.set $by (f32x4.splat (f32.div (f32.const 1) (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
      (f32.add (f32x4.extract_lane 2 (local.get $sum)) (f32x4.extract_lane 3 (local.get $sum)))))))
    (local.set $p (local.get $row))
    (loop $along
      (v128.store (local.get $p) (f32x4.mul (local.get $by) (v128.load (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 16)))
      (br_if $along (i32.lt_u (local.get $p) (local.get $end)))))

  ;; Keys [tokens, head] in panels of 8 tokens, [tokens / 8][head][8]; the last token fills the last panel.
  (func $pack_keys (param $k i32) (param $to i32) (param $tokens i32) (param $stride i32) (param $head i32)
    (local $token i32) (local $from i32) (local $end i32) (local $p i32) (local $line i32)
    (local.set $line (i32.shl (local.get $head) (i32.const 2)))
    (loop $each
      (local.set $from (i32.add (local.get $k) (i32.mul (local.get $stride)
        (select (local.get $token) (i32.sub (local.get $tokens) (i32.const 1)) (i32.lt_u (local.get $token) (local.get $tokens))))))
      (local.set $end (i32.add (local.get $from) (local.get $line)))
      (local.set $p (i32.add (local.get $to) (i32.add
        (i32.mul (i32.and (local.get $token) (i32.const -8)) (local.get $line))
        (i32.shl (i32.and (local.get $token) (i32.const 7)) (i32.const 2)))))
      (loop $along
        (f32.store (local.get $p) (f32.load (local.get $from)))
        (local.set $p (i32.add (local.get $p) (i32.const 32)))
        (local.set $from (i32.add (local.get $from) (i32.const 4)))
        (br_if $along (i32.lt_u (local.get $from) (local.get $end))))
      (local.set $token (i32.add (local.get $token) (i32.const 1)))
      (br_if $each (i32.or (i32.lt_u (local.get $token) (local.get $tokens)) (i32.and (local.get $token) (i32.const 7))))))

  ;; Values [tokens, head] in panels of 8 columns, [head / 8][places][8]; the last token fills the last places.
  (func $pack_values (param $v i32) (param $to i32) (param $tokens i32) (param $places i32) (param $stride i32) (param $head i32)
    (local $token i32) (local $from i32) (local $end i32) (local $p i32)
    (loop $each
      (local.set $from (i32.add (local.get $v) (i32.mul (local.get $stride)
        (select (local.get $token) (i32.sub (local.get $tokens) (i32.const 1)) (i32.lt_u (local.get $token) (local.get $tokens))))))
      (local.set $end (i32.add (local.get $from) (i32.shl (local.get $head) (i32.const 2))))
      (local.set $p (i32.add (local.get $to) (i32.shl (local.get $token) (i32.const 5))))
      (loop $along
        (v128.store (local.get $p) (v128.load (local.get $from)))
        (v128.store offset=16 (local.get $p) (v128.load offset=16 (local.get $from)))
        (local.set $p (i32.add (local.get $p) (i32.shl (local.get $places) (i32.const 5))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (br_if $along (i32.lt_u (local.get $from) (local.get $end))))
      (local.set $token (i32.add (local.get $token) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $token) (local.get $places)))))

  ;; Scaled dot-product attention of one head of one picture, `pair` = picture · heads + head:
  ;; queries, keys, values and result are [pictures, tokens, width], width = heads · head, head a multiple of 8.
  ;; Four queries at a time, so that their scores stay in the first-level cache. `scratch` takes
  ;; 2 · head · places + 4 · places + 8 floats, places = tokens rounded up to a multiple of 8.
  (func $attend (export "attend")
    (param $q i32) (param $k i32) (param $v i32) (param $out i32) (param $tokens i32) (param $width i32) (param $head i32) (param $causal i32) (param $scratch i32) (param $pair i32)
    (local $places i32) (local $stride i32) (local $line i32) (local $at i32) (local $keys i32) (local $values i32) (local $scores i32) (local $zeros i32)
    (local $row i32) (local $rows i32) (local $p i32) (local $c i32) (local $end i32) (local $index i32) (local $heads i32) (local $scale f32)
    (local.set $places (i32.and (i32.add (local.get $tokens) (i32.const 7)) (i32.const -8)))
    (local.set $stride (i32.shl (local.get $width) (i32.const 2)))
    (local.set $line (i32.shl (local.get $places) (i32.const 2)))
    (local.set $heads (i32.div_u (local.get $width) (local.get $head)))
    (local.set $scale (f32.div (f32.const 1) (f32.sqrt (f32.convert_i32_u (local.get $head)))))
    (local.set $at (i32.shl (i32.add
      (i32.mul (i32.div_u (local.get $pair) (local.get $heads)) (i32.mul (local.get $tokens) (local.get $width)))
      (i32.mul (i32.rem_u (local.get $pair) (local.get $heads)) (local.get $head))) (i32.const 2)))
    (local.set $q (i32.add (local.get $q) (local.get $at)))
    (local.set $out (i32.add (local.get $out) (local.get $at)))
    (local.set $zeros (local.get $scratch))
    (v128.store (local.get $zeros) (v128.const i32x4 0 0 0 0))
    (v128.store offset=16 (local.get $zeros) (v128.const i32x4 0 0 0 0))
    (local.set $keys (i32.add (local.get $zeros) (i32.const 32)))
    (local.set $values (i32.add (local.get $keys) (i32.mul (local.get $line) (local.get $head))))
    (local.set $scores (i32.add (local.get $values) (i32.mul (local.get $line) (local.get $head))))
    (call $pack_keys (i32.add (local.get $k) (local.get $at)) (local.get $keys) (local.get $tokens) (local.get $stride) (local.get $head))
    (call $pack_values (i32.add (local.get $v) (local.get $at)) (local.get $values) (local.get $tokens) (local.get $places) (local.get $stride) (local.get $head))
    (loop $strips
      (local.set $rows (select (i32.const 4) (i32.const 1) (i32.le_u (i32.add (local.get $row) (i32.const 4)) (local.get $tokens))))
      ;; scores [rows, places] = queries · keysᵀ
      (local.set $p (local.get $keys))
      (local.set $c (local.get $scores))
      (local.set $end (i32.add (local.get $scores) (local.get $line)))
      (loop $along
        (call $tile (local.get $rows) (local.get $q) (local.get $stride) (local.get $p) (local.get $c) (local.get $line) (local.get $head) (local.get $zeros) (i32.const 0))
        (local.set $p (i32.add (local.get $p) (i32.shl (local.get $head) (i32.const 5))))
        (local.set $c (i32.add (local.get $c) (i32.const 32)))
        (br_if $along (i32.lt_u (local.get $c) (local.get $end))))
      (local.set $index (i32.const 0))
      (loop $each
        (call $softmax
          (i32.add (local.get $scores) (i32.mul (local.get $index) (local.get $line)))
          (local.get $line)
          (select (i32.add (i32.add (local.get $row) (local.get $index)) (i32.const 1)) (local.get $tokens) (local.get $causal))
          (local.get $scale))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br_if $each (i32.lt_u (local.get $index) (local.get $rows))))
      ;; out [rows, head] = scores · values
      (local.set $p (local.get $values))
      (local.set $c (local.get $out))
      (local.set $end (i32.add (local.get $out) (i32.shl (local.get $head) (i32.const 2))))
      (loop $along
        (call $tile (local.get $rows) (local.get $scores) (local.get $line) (local.get $p) (local.get $c) (local.get $stride) (local.get $places) (local.get $zeros) (i32.const 0))
        (local.set $p (i32.add (local.get $p) (i32.shl (local.get $places) (i32.const 5))))
        (local.set $c (i32.add (local.get $c) (i32.const 32)))
        (br_if $along (i32.lt_u (local.get $c) (local.get $end))))
      (local.set $q (i32.add (local.get $q) (i32.mul (local.get $rows) (local.get $stride))))
      (local.set $out (i32.add (local.get $out) (i32.mul (local.get $rows) (local.get $stride))))
      (local.set $row (i32.add (local.get $row) (local.get $rows)))
      (br_if $strips (i32.lt_u (local.get $row) (local.get $tokens)))))
