// A model as the API lists it, what can be asked of the list here, and the order of its columns. Pure.

export interface Prices {
  input: number;
  output: number;
  cache_read: number;
  cache_write_5m: number;
  cache_write_1h: number;
  audio_input: number;
  audio_output: number;
  web_search: number | null;
  /** Prices of calls with more input tokens than the name says. */
  above: Record<string, Prices>;
}

export interface ListedModel {
  id: string;
  provider: string;
  model: string;
  source: "configured" | "provider" | "catalogue";
  context_tokens: number | null;
  output_tokens_max: number | null;
  /** Nano-dollars for a million tokens. */
  prices: Prices | null;
  price_source: "configured" | "catalogue" | null;
  capabilities: {
    operations: string[];
    inputs: string[];
    thinking: string | null;
    efforts: string[];
    sampling: boolean;
  };
}

/** What the API does not filter by. */
export interface Wanted {
  takes?: string | undefined;
  source?: string | undefined;
  price?: string | undefined;
}

export function fits(model: ListedModel, wanted: Wanted): boolean {
  if (wanted.source && model.source !== wanted.source) return false;
  if (wanted.price && (model.prices === null) !== (wanted.price === "unknown")) return false;
  if (!wanted.takes) return true;
  if (wanted.takes === "reasoning") return model.capabilities.thinking !== null;
  return model.capabilities.inputs.includes(wanted.takes) || model.capabilities.operations.includes(wanted.takes);
}

const VALUES: Record<string, (model: ListedModel) => number | null> = {
  input: (model) => model.prices?.input ?? null,
  output: (model) => model.prices?.output ?? null,
  cache: (model) => model.prices?.cache_read ?? null,
  context: (model) => model.context_tokens,
  longest: (model) => model.output_tokens_max,
};

/** By a column; unknown comes last, whichever way. */
export function sorted(models: readonly ListedModel[], by: string, down: boolean): ListedModel[] {
  const value = VALUES[by];
  if (!value) return down ? models.toReversed() : [...models];
  return models.toSorted((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    return down ? other - one : one - other;
  });
}
