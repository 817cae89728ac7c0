"""Pronunciations, translations and summaries by RNNTranslator and by its PyTorch twin.

    python benchmarks/sequences_out.py --data FOLDER --set g2p_cmudict
        [--models skbptt PyTorch] [--units 128] [--seeds 0] [--epochs 8] [--beam_widths 1 5]
        [--length_penalty 1] [--split test] [--examples 0]

FOLDER holds ``g2p_cmudict.tsv.gz`` (spelling to pronunciation), ``translate_en_it.tsv.gz``
(English to Italian) and ``summarise_en.tsv.gz`` (a paragraph to a line). Both nets have a
bidirectional GRU as the encoder, a GRU as the decoder, Luong's attention, and the same
units, vectors, batches, dropout and schedule of Adam's rate. ``g2p_cmudict`` has settings
for 128 and for 256 units. The twin decodes greedily, and skbptt with each of the beam
widths.

Texts are lower-case words and signs; those seen fewer than three times in training are one
unknown token. Where it is predicted, it is left out, or replaced by the word of the input
to which the decoder attends most (Luong et al., 2015, section 4.1). BLEU and chrF are those
of sacrebleu on these tokens, and ROUGE-L (F1) is that of rouge-score.
"""

import re
import time

import numpy as np
import torch
from peers import describe_machine, parse
from rouge_score import rouge_scorer
from sacrebleu import corpus_bleu, corpus_chrf
from texts import read
from threadpoolctl import threadpool_limits
from translator_twin import TranslatorTwin, decode, train

from skbptt import RNNTranslator
from skbptt.inspection import attention_weights
from skbptt.metrics import sequence_accuracy_score, token_error_rate
from skbptt.preprocessing import TokenEncoder

BATCH = 64

# Length of the vectors, dropout and learning rate by the number of units, chosen on the
# validation sets with 128 units.
SETTINGS = {
    "g2p_cmudict": {128: (48, 0.05, 0.005), 256: (48, 0.1, 0.004)},
    "translate_en_it": {128: (96, 0.3, 0.005)},
    "summarise_en": {128: (96, 0.3, 0.005)},
}

words = re.compile(r"\w+|[^\w\s]").findall


def encoders(name):
    """TokenEncoder of the inputs, and of the targets, and how targets are split."""
    if name == "g2p_cmudict":
        of_y = TokenEncoder(tokenizer=str.split, lowercase=False)
        return TokenEncoder("char"), of_y, str.split
    both = (TokenEncoder(tokenizer=words, min_frequency=3) for _ in range(2))
    return *both, lambda text: words(text.lower())


def ours(X, y, X_test, units, dim, dropout, rate, epochs, seed, widths, penalty):
    """Predictions, and where the decoder attends, by the search; seconds per epoch."""
    model = RNNTranslator(
        units,
        bidirectional=True,
        embedding_dim=dim,
        dropout=dropout,
        batch_size=BATCH,
        learning_rate_init=rate,
        max_iter=epochs,
        random_state=seed,
        length_penalty=penalty,
    )
    start = time.perf_counter()
    model.fit(X, y)
    seconds = (time.perf_counter() - start) / epochs
    found = {}
    for width in widths:
        labels = model.set_params(beam_width=width).predict(X_test)
        weights = attention_weights(model, X_test, labels)
        attended = [of_one.argmax(axis=1) for of_one in weights]
        found[f"skbptt, beam {width}"] = labels, attended
    return found, seconds


def twin(X, y, X_test, units, dim, dropout, rate, epochs, seed):
    torch.manual_seed(seed)
    n_tokens, n_labels = (max(map(np.max, of_all)) + 1 for of_all in (X, y))
    module = TranslatorTwin(n_tokens, n_labels, units, dim, dropout)
    seconds = train(module, X, y, rate=rate, batch_size=BATCH, epochs=epochs)
    found = decode(module, X_test, max(map(len, y)))
    return {"PyTorch": ([labels.numpy() for labels in found], None)}, seconds


def known(words, labels):
    """A text without the unknown tokens, whose label is 0."""
    return " ".join(words[label] for label in labels if label)


def copied(words, labels, source, attended):
    """A text with words of the source in the place of unknown tokens."""
    return " ".join(
        words[label] if label else source[k] for label, k in zip(labels, attended)
    )


def report(name, truth, predicted):
    """The scores of texts, which are tokens with spaces between them."""
    if name == "g2p_cmudict":
        true, found = ([text.split() for text in texts] for texts in (truth, predicted))
        wrong = 1 - sequence_accuracy_score(true, found)
        return f"phoneme error {token_error_rate(true, found):.4f}, words wrong {wrong:.4f}"
    if name == "translate_en_it":
        bleu = corpus_bleu(predicted, [truth], tokenize="none", force=True).score
        chrf = corpus_chrf(predicted, [truth]).score
        right = np.mean([a == b for a, b in zip(truth, predicted)])
        return f"BLEU {bleu:.2f}, chrF {chrf:.2f}, lines right {right:.4f}"
    rouge = rouge_scorer.RougeScorer(["rougeL"])
    scores = [rouge.score(a, b)["rougeL"].fmeasure for a, b in zip(truth, predicted)]
    return f"ROUGE-L {np.mean(scores):.4f}"


def trivial(texts, lines, texts_test):
    """Summaries without learning: the first words, and what the first clause says is."""
    rouge = rouge_scorer.RougeScorer(["rougeL"])

    def first(n):
        return lambda text: " ".join(text.split()[:n])

    def clause(text):
        start = re.split(r"[.;:,]|\bthat\b|\bwhich\b", text, maxsplit=1)[0]
        return re.split(r"\b(?:is|are|provides|contains)\b", start, maxsplit=1)[-1]

    def score(shorten):
        return np.mean(
            [rouge.score(a, shorten(b))["rougeL"].fmeasure for a, b in zip(lines, texts)]
        )

    n = max(range(4, 20), key=lambda n: score(first(n)))
    yield f"first {n} words", list(map(first(n), texts_test))
    yield "first clause", list(map(clause, texts_test))


def main():
    options = parse(
        __doc__.splitlines()[0],
        data="",
        set="g2p_cmudict",
        models=["skbptt", "PyTorch"],
        units=128,
        seeds=[0],
        epochs=8,
        beam_widths=[1, 5],
        length_penalty=1.0,
        split="test",
        examples=0,
    )
    torch.set_num_threads(1)
    describe_machine(1)
    name = options.set
    X, y = read(options.data, name, "train")
    X_test, y_test = read(options.data, name, options.split)
    read_X, read_y, split = encoders(name)
    codes, labels = read_X.fit_transform(X), read_y.fit_transform(y)
    codes_test = read_X.transform(X_test)
    labels_of = read_y.get_feature_names_out()
    sources = [split(text) for text in X_test]
    # What the metrics see of the truth: its tokens, also those that are unknown.
    truth = [" ".join(split(text)) for text in y_test]
    if name == "summarise_en":
        for what, predicted in trivial(X, y, X_test):
            predicted = [" ".join(split(text)) for text in predicted]
            print(f"{what}: {report(name, truth, predicted)}")
    print(f"{len(X)} pairs, {len(read_X.vocabulary_)} and {len(read_y.vocabulary_)} tokens")
    search = options.beam_widths, options.length_penalty
    with threadpool_limits(1, "blas"):
        for model in options.models:
            for seed in options.seeds:
                sizes = options.units, *SETTINGS[name][options.units]
                args = codes, labels, codes_test, *sizes, options.epochs, seed
                results, seconds = (
                    twin(*args) if model == "PyTorch" else ours(*args, *search)
                )
                for by, (found, attended) in results.items():
                    predicted = {by: [known(labels_of, labels) for labels in found]}
                    if attended is not None and name != "g2p_cmudict":
                        predicted[f"{by}, unknown words copied"] = [
                            copied(labels_of, *one) for one in zip(found, sources, attended)
                        ]
                    for how, texts in predicted.items():
                        print(
                            f"{how}, seed {seed}: {report(name, truth, texts)}, "
                            f"{seconds:.1f} s an epoch",
                            flush=True,
                        )
                        for i in range(options.examples):
                            print(f"  {X_test[i]}\n    {truth[i]}\n    {texts[i]}")


if __name__ == "__main__":
    main()
