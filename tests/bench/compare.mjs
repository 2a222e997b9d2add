// Whether two peers computed the same thing; before that is known nothing is timed.

/** Below it the peers do not compute the same thing, and a time would mean nothing. Rounding leaves about 1 − 1e-7. */
export const SAME = 0.99999;
/** Two of the pictures must come out farther apart than the peers may, or the comparison proves nothing. */
const APART = 0.99;

/**
 * The smallest cosine between the peers' embeddings of one picture: each holds `pictures` times `dimension` numbers. null where
 * there is only one peer. Throws where the peers disagree.
 */
export function compare(peers, { name, pictures, dimension }) {
  const expected = pictures * dimension;
  const lengths = peers.map(({ length }) => length);
  if (lengths.some((length) => length !== expected))
    throw new Error(`The peers of ${name} gave ${lengths.join(" and ")} numbers instead of ${expected}, so nothing was timed.`);
  if (peers.length < 2) return null;
  const [ours, theirs] = peers;
  const row = (embeddings, index) => embeddings.slice(index * dimension, (index + 1) * dimension);
  const lowest = Math.min(...Array.from({ length: pictures }, (_, index) => cosine(row(ours, index), row(theirs, index))));
  if (!(lowest >= SAME)) throw new Error(`The peers of ${name} disagree (cosine ${lowest}, at least ${SAME} is needed), so nothing was timed.`);
  if (pictures > 1 && !(cosine(row(ours, 0), row(ours, 1)) < APART)) throw new Error(`The pictures of ${name} all look the same to the model, so nothing was timed.`);
  return lowest;
}

function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, value, index) => sum + value * y[index], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
