import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { post } from "@/kit/api";
import { useMay } from "@/kit/session";
import { toastDone, toastFailed } from "@/kit/toasts";

/** Loads a day of sample traffic, so that a first look has something to see. */
export function SampleButton() {
  const client = useQueryClient();
  const may = useMay("sample:write");
  const load = useMutation({
    mutationFn: () => post("sample"),
    onSuccess: () => {
      toastDone("A day of sample traffic is being loaded. It is marked as sample, and can be removed in one step.");
      setTimeout(() => void client.invalidateQueries({ queryKey: ["overview"] }), 2000);
    },
    onError: (error) => toastFailed("The sample was not loaded", error),
  });
  return may ? <Button variant="default" loading={load.isPending} onClick={() => load.mutate()}>Load a day of sample traffic</Button> : null;
}
