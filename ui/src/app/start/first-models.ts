// Which models of a provider to offer for a first call. Pure.

export interface Priced {
  id: string;
  prices: { input: number; output: number } | null;
  capabilities: { operations: readonly string[] };
}

/** Models that can chat, the least expensive first: those that are listed by the provider, or else those that are known.
 *  Without a price for output it is no model for text, or nobody knows. */
export function inOrder(provider: string, listed: readonly string[], known: readonly Priced[]): string[] {
  const about = new Map(known.map((one) => [one.id, one]));
  const own = listed.filter((id) => id.startsWith(`${provider}/`));
  const ids = (own.length > 0 ? own : known.map((one) => one.id)).filter((id) => about.get(id)?.capabilities.operations.includes("chat") ?? true);
  const cost = (id: string) => {
    const prices = about.get(id)?.prices;
    return prices && prices.output > 0 ? prices.input + prices.output : Infinity;
  };
  return ids.toSorted((a, b) => (cost(a) === cost(b) ? 0 : cost(a) - cost(b)));
}
