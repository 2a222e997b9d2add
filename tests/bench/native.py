#!/usr/bin/env python3
"""onnxruntime on the processor, in turns with `safelight bench-tower`: for each line on the standard input it runs once
over the same pixels and answers with a line of JSON.

    tests/bench/native.py MODEL.onnx PIXELS THREADS
"""
import json
import sys
import time

import numpy as np
import onnxruntime


def main(model, pixels, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    start = time.perf_counter()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    say(where=f"onnxruntime {onnxruntime.__version__}, {threads} threads", openMs=1e3 * (time.perf_counter() - start))
    values = np.fromfile(pixels, np.float32).reshape(-1, 3, 224, 224)
    for _ in sys.stdin:
        start = time.perf_counter()
        (embeddings,) = session.run(["image_embeds"], {"pixel_values": values})
        say(ms=1e3 * (time.perf_counter() - start), embeddings=embeddings.ravel().tolist())


def say(**answer):
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
