// Sessions of agents: the list, or the one that the URL names.

import { useUrlState } from "@/kit/url-state";
import { SessionList } from "./list";
import { SessionDetail } from "./session";

export default function SessionsView() {
  const [url, setUrl] = useUrlState<{ id: string | undefined }>({ id: undefined });
  if (url.id) return <SessionDetail id={url.id} onBack={() => setUrl({ id: undefined }, { push: true })} />;
  return <SessionList onOpen={(id) => setUrl({ id }, { push: true })} />;
}
