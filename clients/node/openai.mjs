// The official `openai` package: whole, streamed, a tool with its result, embeddings, an error. Prints one line of JSON.
import OpenAI from "openai";

const [baseURL, apiKey, prefix] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "what will the weather be" }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "forecast", description: "The weather", parameters } }];
const model = (name) => `${prefix}${name}`;

const whole = await client.chat.completions.create({ model: model("echo"), messages });
let streamed = "";
for await (const chunk of await client.chat.completions.create({ model: model("echo"), messages, stream: true }))
  streamed += chunk.choices[0]?.delta.content ?? "";
const called = (await client.chat.completions.create({ model: model("tools"), messages, tools })).choices[0].message;
const result = { role: "tool", tool_call_id: called.tool_calls[0].id, content: "forecast is 7" };
const end = await client.chat.completions.create({ model: model("tools"), messages: [...messages, called, result], tools });
const failed = await client.chat.completions
  .create({ model: "nowhere/nothing", messages })
  .catch((error) => [error.status, error.constructor.name]);
console.log(
  JSON.stringify({
    whole: whole.choices[0].message.content,
    usage: whole.usage.total_tokens,
    streamed,
    called: called.tool_calls[0].function.name,
    end: end.choices[0].message.content,
    failed,
  }),
);
