// What a list of objects does with them: create, change, switch and delete, each said in a toast, with undo where that is
// safe, and read anew afterwards. The page says what each act means in words; it draws nothing but the question before a
// deletion.

import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { idPath, patch, post, remove } from "./api";
import { Confirm, type Question } from "./confirm";
import { keys } from "./query";
import { undoPatch, type Value } from "./schema";
import { toastDone, toastFailed } from "./toasts";

interface Deletion {
  id: string;
  /** What the question and the toast call it. */
  name: string;
  title?: string;
  /** What will happen, and what will break. */
  words: ReactNode;
  /** The name has to be typed: it cannot be undone, and calls depend on it. */
  typed?: boolean;
  /** Refuse unless it still has this version. */
  version?: number | undefined;
  /** What is said afterwards. */
  done?: string;
  /** The body that creates it anew; without one there is no undo. */
  undo?: object;
  /** Leads away from what is no more. */
  after?: () => void;
}

interface Switching {
  id: string;
  name: string;
  /** The patch, and the one that undoes it. */
  to: Value;
  back: Value;
  words: string;
  wordsBack: string;
  /** Shows it at once; returns what takes that back if it fails. */
  show?: (patch: Value) => () => void;
}

/** The acts of one noun of the API. `also`: nouns whose answers depend on it. */
export function useNoun(noun: string, also: readonly string[] = []) {
  const client = useQueryClient();
  const [question, setQuestion] = useState<Question | null>(null);

  const reread = async (): Promise<void> => {
    await Promise.all([noun, ...also].map((one) => client.invalidateQueries({ queryKey: keys.noun(one) })));
  };
  const undone = async (run: () => Promise<unknown>): Promise<void> => {
    try {
      await run();
    } catch (error) {
      toastFailed("This was not undone", error);
    }
    await reread();
  };

  const create = async <T,>(body: Value, words?: string): Promise<T> => {
    const made = await post<T>(noun, body);
    if (words) toastDone(words);
    await reread();
    return made;
  };

  /** `before`: the object as it was; with it there is an undo. */
  const change = async (id: string, body: Value, version: number | undefined, words: string, before?: Value): Promise<void> => {
    const changed = await patch<{ version?: number }>(`${noun}/${idPath(id)}`, body, version);
    const back = before && undoPatch(body, before);
    toastDone(words, back && (() => void undone(() => patch(`${noun}/${idPath(id)}`, back, changed.version))));
    await reread();
  };

  const switchTo = async (asked: Switching, isUndo = false): Promise<void> => {
    const takeBack = asked.show?.(asked.to);
    try {
      await patch(`${noun}/${idPath(asked.id)}`, asked.to);
      const other = { ...asked, to: asked.back, back: asked.to, words: asked.wordsBack, wordsBack: asked.words };
      toastDone(asked.words, isUndo ? undefined : () => void switchTo(other, true));
    } catch (error) {
      takeBack?.();
      toastFailed(`${asked.name} was not changed`, error);
    }
    await reread();
  };

  const askDelete = ({ id, name, title, words, typed, version, done, undo, after }: Deletion): void =>
    setQuestion({
      title: title ?? `Delete ${name}?`,
      words,
      action: "Delete",
      ...(typed ? { typed: name } : {}),
      run: async () => {
        await remove(`${noun}/${idPath(id)}`, version);
        after?.();
        toastDone(done ?? `${name} is deleted.`, undo && (() => void undone(() => post(noun, undo))));
        await reread();
      },
    });

  /** To be placed in the page. */
  const asking = <Confirm question={question} onClose={() => setQuestion(null)} />;
  return { reread, create, change, switchTo, ask: setQuestion, askDelete, asking };
}
