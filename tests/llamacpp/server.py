"""A real llama.cpp server on a tiny model of random weights, for tests/llm/llamacpp.rs.

    python server.py PORT

The model is written anew into a temporary file: two layers over single bytes. What it says is noise,
but the HTTP server, its queue, its streaming and its grammar-constrained sampling are llama.cpp's own.
Prints a line once it listens; ends on SIGTERM or SIGINT.
"""

import os
import signal
import sys
import tempfile

import gguf
import numpy
import xllamacpp

WIDTH, HIDDEN, HEADS, LAYERS = 64, 128, 4, 2
CONTEXT_PER_SLOT, SLOTS = 4096, 2


def vocabulary():
    """Three special tokens, all bytes, and the printable characters."""
    special = [
        (b"<unk>", gguf.TokenType.UNKNOWN),
        (b"<s>", gguf.TokenType.CONTROL),
        (b"</s>", gguf.TokenType.CONTROL),
    ]
    raw = [(f"<0x{byte:02X}>".encode(), gguf.TokenType.BYTE) for byte in range(256)]
    plain = [(bytes([byte]), gguf.TokenType.NORMAL) for byte in range(32, 127)]
    return special + raw + plain


def write_model(path):
    tokens = vocabulary()
    random = numpy.random.default_rng(2027)

    def weights(*shape):
        return (random.standard_normal(shape) * 0.05).astype(numpy.float32)

    out = gguf.GGUFWriter(path, "llama")
    out.add_context_length(CONTEXT_PER_SLOT * SLOTS)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(HIDDEN)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_vocab_size(len(tokens))
    out.add_file_type(0)
    out.add_tokenizer_model("llama")
    out.add_token_list([text for text, _ in tokens])
    out.add_token_scores([0.0] * len(tokens))
    out.add_token_types([kind for _, kind in tokens])
    out.add_unk_token_id(0)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_chat_template(
        "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"
    )
    out.add_tensor("token_embd.weight", weights(len(tokens), WIDTH))
    out.add_tensor("output.weight", weights(len(tokens), WIDTH))
    out.add_tensor("output_norm.weight", numpy.ones(WIDTH, numpy.float32))
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        for norm in ("attn_norm", "ffn_norm"):
            out.add_tensor(f"{block}{norm}.weight", numpy.ones(WIDTH, numpy.float32))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            out.add_tensor(f"{block}{part}.weight", weights(WIDTH, WIDTH))
        for part in ("ffn_gate", "ffn_up"):
            out.add_tensor(f"{block}{part}.weight", weights(HIDDEN, WIDTH))
        out.add_tensor(f"{block}ffn_down.weight", weights(WIDTH, HIDDEN))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def main():
    # Before the server starts its threads, so that none of them takes the signal.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tiny.gguf")
        write_model(path)
        params = xllamacpp.CommonParams()
        params.model.path = path
        params.model_alias = {"tiny"}
        params.port = int(sys.argv[1])
        params.n_ctx = CONTEXT_PER_SLOT * SLOTS
        params.n_parallel = SLOTS
        params.cpuparams.n_threads = 1
        params.warmup = False
        server = xllamacpp.Server(params)
        print("listening at", server.listening_address, flush=True)
        signal.sigwait(ends)
    # Its threads would keep the process.
    os._exit(0)


main()
