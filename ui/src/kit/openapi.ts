// The schemas of the API's OpenAPI description, read once, when the first form opens.

import { queryOptions } from "@tanstack/react-query";
import { get } from "./api";
import { keys } from "./query";
import type { Schemas } from "./schema";

export const openapiQuery = queryOptions({
  queryKey: keys.openapi,
  queryFn: async ({ signal }) => (await get<{ components: { schemas: Schemas } }>("../openapi.json", undefined, signal)).components.schemas,
  staleTime: Infinity,
});
