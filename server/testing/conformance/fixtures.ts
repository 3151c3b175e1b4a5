/** The tools, prompts and things to read that the official suite of MCP asks for by name, brought as a person's own are. */
import { z } from 'zod'
import type { Shelf } from '../../src/mcp/shelf.ts'
import { defineTool, type Tool, type ToolHand } from '../../src/tools/runner.ts'

const nothing = z.object({})
const content = z.object({ content: z.array(z.looseObject({ type: z.string() })) })
const gives = ['content']

/** One red pixel, and a wave of silence. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA=='
const TEXT = { type: 'text', text: 'This is a simple text response for testing.' }
const RESOURCE = {
  type: 'resource',
  resource: {
    uri: 'test://embedded-resource',
    mimeType: 'text/plain',
    text: 'This is an embedded resource content.',
  },
}
const saying = (text: string) => ({ content: [{ type: 'text', text }] })

/** A tool that gives content, and may ask for it. */
function asks<In extends z.ZodType>(
  name: string,
  input: In,
  run: (hand: ToolHand, given: z.output<In>) => string | Promise<string>,
): Tool {
  return defineTool({
    name,
    version: '1',
    description: 'Asks its caller.',
    input,
    output: content,
    capabilities: gives,
    run: async (given, hand) => saying(await run(hand, given)),
  })
}

const fields = (properties: Record<string, { type: 'string' | 'boolean' }>) => ({
  type: 'object' as const,
  properties,
  required: Object.keys(properties),
})
const NAME = { kind: 'form', message: 'What is your name?', schema: fields({ name: { type: 'string' } }) } as const
const CONFIRM = { kind: 'form', message: 'Please confirm', schema: fields({ ok: { type: 'boolean' } }) } as const
const CAPITAL = { kind: 'model', prompt: 'What is the capital of France?', mostTokens: 100 } as const
const FOLDERS = { kind: 'folders' } as const
const CHOICES = ['option1', 'option2', 'option3']
const titled = (...titles: string[]) => titles.map((title, n) => ({ const: `value${n + 1}`, title }))

const ASKING: readonly Tool[] = [
  asks('test_input_required_result_elicitation', nothing, ({ ask }) => {
    const { user_name: answer } = ask({ user_name: NAME })
    return `Hello, ${String(answer.content?.['name'])}!`
  }),
  asks(
    'test_input_required_result_sampling',
    nothing,
    ({ ask }) => ask({ capital_question: CAPITAL }).capital_question.text,
  ),
  asks('test_input_required_result_list_roots', nothing, ({ ask }) =>
    ask({ client_roots: FOLDERS })
      .client_roots.folders.map(({ uri }) => uri)
      .join(', '),
  ),
  asks('test_input_required_result_request_state', nothing, ({ ask }) => {
    ask({ confirm: CONFIRM })
    return 'state-ok'
  }),
  asks('test_input_required_result_tampered_state', nothing, ({ ask }) => {
    ask({ confirm: CONFIRM })
    return 'state-ok'
  }),
  asks('test_input_required_result_multiple_inputs', nothing, ({ ask }) => {
    const greeting = { kind: 'model', prompt: 'Generate a greeting', mostTokens: 50 } as const
    const all = ask({ user_name: NAME, greeting, client_roots: FOLDERS })
    return `${all.greeting.text} ${String(all.user_name.content?.['name'])}, ${all.client_roots.folders.length} folders`
  }),
  asks('test_input_required_result_multi_round', nothing, ({ ask }) => {
    const { step1 } = ask({ step1: { ...NAME, message: 'Step 1: What is your name?' } })
    const color = {
      kind: 'form',
      message: 'Step 2: What is your favorite color?',
      schema: fields({ color: { type: 'string' } }),
    } as const
    const { step2 } = ask({ step2: color })
    return `${String(step1.content?.['name'])} likes ${String(step2.content?.['color'])}`
  }),
  asks('test_input_required_result_capabilities', nothing, ({ ask, asks: can }) => {
    if (can.includes('form')) ask({ user_name: NAME })
    if (can.includes('model')) return ask({ capital_question: CAPITAL }).capital_question.text
    return 'Nobody can be asked.'
  }),
  asks('test_missing_capability', nothing, ({ ask }) => ask({ capital_question: CAPITAL }).capital_question.text),
  asks('test_streaming_elicitation', nothing, ({ ask, progress }) => {
    progress(1, 2)
    return ask({ user_name: NAME }).user_name.action
  }),
  asks('test_sampling', z.object({ prompt: z.string() }), ({ ask }, { prompt }) => {
    const { answer } = ask({ answer: { kind: 'model', prompt, mostTokens: 100 } })
    return `LLM response: ${answer.text}`
  }),
  asks('test_elicitation', z.object({ message: z.string() }), ({ ask }, { message }) => {
    const schema = fields({ username: { type: 'string' }, email: { type: 'string' } })
    return `User response: ${JSON.stringify(ask({ who: { kind: 'form', message, schema } }).who)}`
  }),
  asks('test_elicitation_sep1034_defaults', nothing, ({ ask }) => {
    const properties = {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    } as const
    const { user } = ask({ user: { kind: 'form', message: 'Who is it?', schema: { type: 'object', properties } } })
    return `Elicitation completed: action=${user.action}, content=${JSON.stringify(user.content)}`
  }),
  asks('test_elicitation_sep1330_enums', nothing, ({ ask }) => {
    const properties = {
      untitledSingle: { type: 'string', enum: CHOICES },
      titledSingle: { type: 'string', oneOf: titled('First Option', 'Second Option', 'Third Option') },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: CHOICES } },
      titledMulti: { type: 'array', items: { anyOf: titled('First Choice', 'Second Choice', 'Third Choice') } },
    } as const
    const { choice } = ask({ choice: { kind: 'form', message: 'Which?', schema: { type: 'object', properties } } })
    return `Elicitation completed: action=${choice.action}, content=${JSON.stringify(choice.content)}`
  }),
  ...['test_tool_with_logging', 'test_logging_tool'].map((name) =>
    asks(name, nothing, async ({ log }) => {
      for (const line of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        log(line)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return 'It is in the log.'
    }),
  ),
]

const messages = z.object({ messages: z.array(z.object({ role: z.literal('user'), content: z.looseObject({}) })) })

function prompt<In extends z.ZodType>(
  name: string,
  input: In,
  run: (given: z.output<In>, hand: ToolHand) => readonly Record<string, unknown>[],
): Tool {
  return defineTool({
    name,
    version: '1',
    description: 'Gives a prompt.',
    input,
    output: messages,
    capabilities: ['prompt'],
    run: (given, hand) => ({ messages: run(given, hand).map((one) => ({ role: 'user' as const, content: one })) }),
  })
}
const text = (said: string) => ({ type: 'text', text: said })

const PROMPTS: readonly Tool[] = [
  prompt('test_simple_prompt', nothing, () => [text('This is a simple prompt for testing.')]),
  prompt('test_prompt_with_arguments', z.object({ arg1: z.string(), arg2: z.string() }), ({ arg1, arg2 }) => [
    text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`),
  ]),
  prompt('test_prompt_with_embedded_resource', z.object({ resourceUri: z.string() }), ({ resourceUri: uri }) => [
    { type: 'resource', resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } },
    text('Please process the embedded resource above.'),
  ]),
  prompt('test_prompt_with_image', nothing, () => [
    { type: 'image', data: PNG, mimeType: 'image/png' },
    text('Please analyze the image above.'),
  ]),
  prompt('test_input_required_result_prompt', nothing, (_, { ask }) => {
    const schema = fields({ context: { type: 'string' } })
    const message = 'What context should the prompt use?'
    const { user_context: answer } = ask({ user_context: { kind: 'form', message, schema } })
    return [text(`In this context: ${String(answer.content?.['context'])}`)]
  }),
]

const STATIC: Readonly<Record<string, { name: string; mimeType: string; text?: string; blob?: string }>> = {
  'test://static-text': {
    name: 'static text',
    mimeType: 'text/plain',
    text: 'This is the content of the static text resource.',
  },
  'test://static-binary': { name: 'static binary', mimeType: 'image/png', blob: PNG },
  'test://watched-resource': { name: 'watched', mimeType: 'text/plain', text: 'It never changes.' },
}

export const SHELF: Shelf = {
  begins: 'test://',
  templates: [{ uriTemplate: 'test://template/{id}/data', name: 'template', mimeType: 'application/json' }],
  list: async () => ({
    resources: Object.entries(STATIC).map(([uri, { name, mimeType }]) => ({ uri, name, mimeType })),
    next: undefined,
  }),
  async read(_, uri) {
    const [, id] = /^test:\/\/template\/(\w+)\/data$/.exec(uri) ?? []
    if (id === undefined) return STATIC[uri]
    return {
      mimeType: 'application/json',
      text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
    }
  },
  complete: async () => [],
  watch: async (_, uri, signal) => (uri === 'test://watched-resource' ? never(signal) : undefined),
}

// oxlint-disable-next-line require-yield -- nothing ever happens to it
async function* never(signal: AbortSignal): AsyncIterable<void> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}

export const FIXTURES: readonly Tool[] = [
  defineTool({
    name: 'test_simple_text',
    version: '1',
    description: 'Gives a text.',
    input: nothing,
    output: content,
    capabilities: gives,
    run: () => ({ content: [TEXT] }),
  }),
  defineTool({
    name: 'test_image_content',
    version: '1',
    description: 'Gives an image.',
    input: nothing,
    output: content,
    capabilities: gives,
    run: () => ({ content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] }),
  }),
  defineTool({
    name: 'test_audio_content',
    version: '1',
    description: 'Gives a sound.',
    input: nothing,
    output: content,
    capabilities: gives,
    run: () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }),
  }),
  defineTool({
    name: 'test_embedded_resource',
    version: '1',
    description: 'Gives a resource.',
    input: nothing,
    output: content,
    capabilities: gives,
    run: () => ({ content: [RESOURCE] }),
  }),
  defineTool({
    name: 'test_multiple_content_types',
    version: '1',
    description: 'Gives a text, an image and a resource.',
    input: nothing,
    output: content,
    capabilities: gives,
    run: () => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        { type: 'image', data: PNG, mimeType: 'image/png' },
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: '{"test":"data","value":123}',
          },
        },
      ],
    }),
  }),
  defineTool({
    name: 'test_error_handling',
    version: '1',
    description: 'Fails.',
    input: nothing,
    output: content,
    run() {
      throw new Error('This tool intentionally returns an error for testing')
    },
  }),
  defineTool({
    name: 'test_tool_with_progress',
    version: '1',
    description: 'Says how far it is.',
    input: nothing,
    output: content,
    capabilities: gives,
    async run(_, hand) {
      for (const done of [0, 50, 100]) {
        hand.progress(done, 100)
        // A few a second are passed on.
        await new Promise((resolve) => setTimeout(resolve, 300))
      }
      return { content: [TEXT] }
    },
  }),
  ...ASKING,
  ...PROMPTS,
]
