// The Vercel AI SDK with its provider for OpenAI-compatible endpoints: whole, streamed, a tool that it runs itself.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [baseURL, apiKey, prefix] = process.argv.slice(2);
const gateway = createOpenAICompatible({ name: "asbru", baseURL, apiKey, includeUsage: true });
const prompt = "what will the weather be";
const forecast = tool({
  description: "The weather",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `${city} is 7`,
});

const whole = await generateText({ model: gateway(`${prefix}echo`), prompt, maxRetries: 0 });
const stream = streamText({ model: gateway(`${prefix}echo`), prompt, maxRetries: 0 });
let streamed = "";
for await (const piece of stream.textStream) streamed += piece;
const agent = await generateText({
  model: gateway(`${prefix}tools`),
  prompt,
  tools: { forecast },
  stopWhen: stepCountIs(3),
  maxRetries: 0,
});
const failed = await generateText({ model: gateway("nowhere/nothing"), prompt, maxRetries: 0 }).catch((error) => [
  error.statusCode,
  error.name,
]);
console.log(
  JSON.stringify({
    whole: whole.text,
    usage: whole.usage.totalTokens,
    streamed,
    called: agent.steps[0].toolCalls[0].toolName,
    end: agent.text,
    failed,
  }),
);
