  ;; One piece of work on several threads. It is divided into chunks; whoever is free claims the next one, so a slow or
  ;; absent helper delays nobody. The thread that asks computes as well.
  ;;
  ;; The first 256 bytes of the memory, three words on cache lines of their own and then what is to be done:
  ;;     0    pieces of work so far: helpers sleep on it
  ;;     64   chunks that nobody has claimed (below zero: none)
  ;;     128  chunks that are not computed yet: who asks sleeps on it
  ;;     192  0 and the parameters of `multiply` (a, b, c, m, n, k, bias, block, then), columns of a chunk;
  ;;          or 1 and those of `attend` (q, k, v, out, tokens, width, head, causal, scratch), bytes of scratch a chunk
  ;; These are written while no chunk can be claimed, and read after one was.

  ;; Computes one chunk: some columns of a product, or one head of one picture.
  (func $chunk (param $index i32)
    (local $size i32) (local $from i32) (local $to i32)
    (local.set $size (i32.load offset=232 (i32.const 0)))
    (local.set $from (i32.mul (local.get $index) (local.get $size)))
    (if (i32.load offset=192 (i32.const 0))
      (then
        (call $attend
          (i32.load offset=196 (i32.const 0)) (i32.load offset=200 (i32.const 0)) (i32.load offset=204 (i32.const 0))
          (i32.load offset=208 (i32.const 0)) (i32.load offset=212 (i32.const 0)) (i32.load offset=216 (i32.const 0))
          (i32.load offset=220 (i32.const 0)) (i32.load offset=224 (i32.const 0))
          (i32.add (i32.load offset=228 (i32.const 0)) (local.get $from)) (local.get $index)))
      (else
        (local.set $to (i32.add (local.get $from) (local.get $size)))
        (if (i32.gt_u (local.get $to) (i32.load offset=212 (i32.const 0)))
          (then (local.set $to (i32.load offset=212 (i32.const 0)))))
        (call $multiply
          (i32.load offset=196 (i32.const 0)) (i32.load offset=200 (i32.const 0)) (i32.load offset=204 (i32.const 0))
          (i32.load offset=208 (i32.const 0)) (i32.load offset=212 (i32.const 0)) (i32.load offset=216 (i32.const 0))
          (i32.load offset=220 (i32.const 0)) (i32.load offset=224 (i32.const 0)) (i32.load offset=228 (i32.const 0))
          (local.get $from) (local.get $to)))))

  ;; Computes one chunk after another until none is left.
  (func $claim
    (local $index i32)
    (loop $chunks
      (local.set $index (i32.sub (i32.atomic.rmw.sub offset=64 (i32.const 0) (i32.const 1)) (i32.const 1)))
      (if (i32.ge_s (local.get $index) (i32.const 0))
        (then
          (call $chunk (local.get $index))
          (if (i32.eq (i32.atomic.rmw.sub offset=128 (i32.const 0) (i32.const 1)) (i32.const 1))
            (then (drop (memory.atomic.notify offset=128 (i32.const 0) (i32.const 1)))))
          (br $chunks)))))

  ;; What a helper does, until its worker is ended.
  (func (export "help")
    (local $seen i32)
    (loop $pieces
      (local.set $seen (i32.atomic.load (i32.const 0)))
      (call $claim)
      (drop (memory.atomic.wait32 (i32.const 0) (local.get $seen) (i64.const -1)))
      (br $pieces)))

  ;; Does what the parameters say together with the helpers. 0: one of them did not finish its chunk within `patience` ms.
  (func (export "share") (param $chunks i32) (param $patience i32) (result i32)
    (local $left i32)
    (i32.atomic.store offset=128 (i32.const 0) (local.get $chunks))
    (i32.atomic.store offset=64 (i32.const 0) (local.get $chunks))
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const -1)))
    (call $claim)
    (loop $wait
      (local.set $left (i32.atomic.load offset=128 (i32.const 0)))
      (if (i32.eqz (local.get $left)) (then (return (i32.const 1))))
      (br_if $wait (i32.ne
        (memory.atomic.wait32 offset=128 (i32.const 0) (local.get $left)
          (i64.mul (i64.extend_i32_u (local.get $patience)) (i64.const 1000000)))
        (i32.const 2))))
    (i32.const 0))

  ;; Does it on this thread.
  (func (export "alone") (param $chunks i32)
    (loop $each
      (local.set $chunks (i32.sub (local.get $chunks) (i32.const 1)))
      (call $chunk (local.get $chunks))
      (br_if $each (local.get $chunks))))
