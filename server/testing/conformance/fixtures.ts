/** The tools that the official suite of MCP calls by name, as ordinary tools of the registry. */
import { z } from 'zod'
import { defineTool, type Tool } from '../../src/tools/runner.ts'

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
]
