/** The tools that come with the product, each on real files, in the threads where it runs. */
import { encode } from 'jpeg-js'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc32, deflateSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { openRunner } from '../runner.ts'
import { openThreads } from '../thread/threads.ts'
import { ownTools } from './own-tools.ts'
import { fetchPublic, isPublic, type World } from './public-fetch.ts'

const threads = openThreads(2)
const runner = openRunner()
for (const tool of ownTools(threads)) runner.add(tool)
afterAll(() => threads.close())

// oxlint-disable-next-line typescript/no-explicit-any -- what came is looked at field by field
async function given(name: string, input: unknown): Promise<any> {
  const called = await runner.run(name, input)
  if (!called.ok) throw new Error(JSON.stringify(called.error))
  return called.output
}
const codeOf = async (name: string, input: unknown) => {
  const called = await runner.run(name, input)
  return called.ok ? 'ok' : called.error.code
}

test('a text is counted as its reader would, in any script', async () => {
  const german = await given('text_statistics', { text: 'Über Öl.\n\nÜBER alles! 👩‍👩‍👧', locale: 'de', top: 1 })
  expect(german).toMatchObject({ words: 4, distinctWords: 3, sentences: 2, paragraphs: 2, lines: 3, characters: 23 })
  expect(german.commonest).toEqual([{ word: 'über', count: 2 }])
  expect(await given('text_statistics', { text: '我喜欢读书。', locale: 'zh' })).toMatchObject({
    characters: 6,
    sentences: 1,
  })
  expect(await given('text_statistics', { text: '' })).toMatchObject({ words: 0, lines: 0, averageWordLength: null })
})

test('a page becomes Markdown that says what its reader saw', async () => {
  const html = `<!doctype html><html><head><title>A &amp; B</title><style>p{color:red}</style></head><body>
    <nav><a href="/home">Home</a></nav><h1>Rivers &mdash; <em>and mills</em></h1>
    <p>One <b>bold </b>word, <code>a\`b</code>,<br>a <a href="x y.html" title="t">link</a> and <a href="javascript:alert(1)">none</a>.
    <p>2 * 3 is_not_emphasis <img src="m.png" alt="A mill"> &lt;tag&gt;
    <ul><li>one<ol><li>deep<li>deeper</ol><li><p>two</p><p>more</p></ul>
    <blockquote><p>Said<p>twice</blockquote>
    <pre><code class="language-js">if (a &lt; b) {\n  run()\n}</code></pre>
    <table><thead><tr><th>Name<th>Flow</thead><tr><td>Aare<td>560 | m³/s<tr><td>Rhine</table>
    <script>alert("</p>")</script><hr><!-- unseen --></body></html>`
  const { markdown, ...rest } = await given('html_to_markdown', { html, base: 'https://example.org/a/b' })
  expect(rest).toEqual({ title: 'A & B', links: 2, images: 1 })
  expect(markdown).toBe(
    [
      '[Home](https://example.org/home)',
      '# Rivers — *and mills*',
      'One **bold** word, `` a`b ``,  \na [link](https://example.org/a/x%20y.html) and none.',
      '2 \\* 3 is\\_not\\_emphasis ![A mill](https://example.org/a/m.png) \\<tag>',
      '- one\n  1. deep\n  2. deeper\n- two\n\n  more',
      '> Said\n>\n> twice',
      '```js\nif (a < b) {\n  run()\n}\n```',
      '| Name | Flow |\n| --- | --- |\n| Aare | 560 \\| m³/s |\n| Rhine |  |',
      '---',
      '',
    ]
      .join('\n\n')
      .replace(/\n\n$/, '\n'),
  )
})

test('HTML of any sort ends, and soon: deep nests, open tags, half of an entity', async () => {
  const nests = [
    '<div>'.repeat(50_000),
    '<a'.repeat(20_000),
    '<!--',
    '&#x110000;&#xd800;&bogus;&',
    '<ul><li>'.repeat(5_000),
    '<',
  ]
  for (const html of nests) expect(await codeOf('html_to_markdown', { html })).toBe('ok')
  expect((await given('html_to_markdown', { html: 'a &#x110000; &bogus; b' })).markdown).toBe('a \ufffd &bogus; b\n')
})

test('a CSV is profiled column by column, whatever its delimiter, quotes and line ends', async () => {
  const csv =
    '\uFEFFname;born;height;member\r\n"Müller; ""Max""";1990-02-01;1.80;yes\r\n\r\nDoe;1985-12-31;1.6;no\rRoe;;;yes\n"Two\nlines";2001-01-01;2;no;extra\n'
  const { columns, ...rest } = await given('csv_profile', { csv })
  expect(rest).toEqual({ delimiter: ';', rows: 4, ragged: 1 })
  expect(columns).toMatchObject([
    { name: 'name', sort: 'text', filled: 4, distinct: 4, longest: 13 },
    { name: 'born', sort: 'date', filled: 3, missing: 1, least: '1985-12-31', most: '2001-01-01' },
    { name: 'height', sort: 'number', least: 1.6, most: 2, median: 1.8, mean: 1.8 },
    {
      name: 'member',
      sort: 'boolean',
      commonest: [
        { value: 'no', count: 2 },
        { value: 'yes', count: 2 },
      ],
    },
  ])
  expect(await codeOf('csv_profile', { csv: 'a,"b' })).toBe('OPEN_QUOTE')
  expect(await codeOf('csv_profile', { csv: '\n\n' })).toBe('NO_ROWS')
  const large = `a,b\n${'1,"x"\n'.repeat(200_000)}`
  expect(await given('csv_profile', { csv: large })).toMatchObject({
    rows: 200_000,
    columns: [{ mean: 1 }, { sort: 'text' }],
  })
})

test('a document that does not fit its schema is told where', async () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['id', 'tags'],
    properties: { id: { type: 'integer', minimum: 1 }, tags: { type: 'array', items: { enum: ['a', 'b'] } } },
    additionalProperties: false,
  }
  expect(await given('json_schema_validate', { schema, document: { id: 1, tags: ['a'] } })).toEqual({
    valid: true,
    problems: [],
    more: false,
  })
  const { valid, problems } = await given('json_schema_validate', { schema, document: { id: 0, tags: ['a', 'c'] } })
  expect([valid, problems.map(({ pointer }: { pointer: string }) => pointer)]).toEqual([false, ['/id', '/tags/1']])
  expect(await codeOf('json_schema_validate', { schema: { if: { type: 'object' }, else: false }, document: 1 })).toBe(
    'NOT_UNDERSTOOD',
  )
  expect((await given('json_schema_validate', { schema: false, document: 1 })).valid).toBe(false)
})

/** As an encoder writes it: chunks with their sums, a filter of its own for every line. */
function png(
  width: number,
  height: number,
  type: number,
  depth: number,
  lines: readonly number[][],
  chunks: [string, number[]][] = [],
  interlace = 0,
): Buffer {
  const chunk = (name: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
    const ends = Buffer.alloc(8)
    ends.writeUInt32BE(data.length)
    ends.writeUInt32BE(crc32(body), 4)
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)])
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width)
  head.writeUInt32BE(height, 4)
  head.set([depth, type, 0, 0, interlace], 8)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    ...chunks.map(([name, data]) => chunk(name, Buffer.from(data))),
    chunk('IDAT', deflateSync(Buffer.from(lines.flat()))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
const base64 = (file: Buffer) => file.toString('base64')

test('a PNG tells its size, its colours and its blocks, whichever way it is written', async () => {
  // Two lines of red and blue, each of the five filters once.
  const rgb = [
    [0, 255, 0, 0, 0, 0, 255],
    [1, 255, 0, 0, 1, 0, 255],
    [2, 0, 0, 0, 0, 0, 0],
    [3, 128, 0, 0, 129, 0, 128],
    [4, 0, 0, 0, 0, 0, 0],
  ]
  const truth = await given('image_analysis', { image: base64(png(2, 5, 2, 8, rgb)), mime_type: 'image/png', grid: 2 })
  expect(truth).toMatchObject({ width: 2, height: 5, bitDepth: 8, alpha: false, average: '#800080' })
  expect(truth.blocks).toEqual([
    ['#ff0000', '#0000ff'],
    ['#ff0000', '#0000ff'],
  ])
  expect(truth.colours).toEqual([
    { colour: '#ff0000', share: 0.5 },
    { colour: '#0000ff', share: 0.5 },
  ])
  const palette: [string, number[]][] = [
    ['PLTE', [255, 0, 0, 0, 0, 255]],
    ['tRNS', [0]],
  ]
  const indexed = await given('image_analysis', {
    image: `data:image/png;base64,${base64(png(2, 1, 3, 1, [[0, 0b01000000]], palette))}`,
  })
  expect(indexed).toMatchObject({
    alpha: true,
    bitDepth: 1,
    average: '#0000ff',
    blocks: [[null, '#0000ff']],
    brightness: 0.072,
  })
  const grey = await given('image_analysis', { image: base64(png(2, 1, 0, 16, [[0, 0xff, 0xff, 0, 0]])) })
  expect(grey).toMatchObject({ bitDepth: 16, blocks: [['#ffffff', '#000000']] })
  // 2 × 2 in passes: (0,0), then (1,0), then the second line.
  const passes = [
    [0, 255],
    [0, 0],
    [0, 255, 0],
  ]
  expect((await given('image_analysis', { image: base64(png(2, 2, 0, 8, passes, [], 1)) })).blocks).toEqual([
    ['#ffffff', '#000000'],
    ['#ffffff', '#000000'],
  ])
})

/** Five by seven dots a letter. */
const LETTERS: Readonly<Record<string, string>> = {
  M: '10001 11011 10101 10101 10001 10001 10001',
  I: '01110 00100 00100 00100 00100 00100 01110',
  L: '10000 10000 10000 10000 10000 10000 11111',
  R: '11110 10001 10001 11110 10100 10010 10001',
  A: '01110 10001 10001 11111 10001 10001 10001',
  C: '01110 10001 10000 10000 10000 10001 01110',
  E: '11111 10000 10000 11110 10000 10000 11111',
}

/** A word in dark blue on white, a dot as large as `size` pixels. */
function sign(word: string, size: number): { width: number; height: number; data: Buffer } {
  const [width, height] = [(word.length * 6 + 5) * size, 13 * size]
  const data = Buffer.alloc(width * height * 4, 255)
  for (const [place, letter] of Array.from(word).entries()) {
    for (const [row, dots] of (LETTERS[letter] ?? '').split(' ').entries()) {
      for (const [column, dot] of Array.from(dots).entries()) {
        if (dot !== '1') continue
        for (let y = 0; y < size; y += 1) {
          const from = (((3 + row) * size + y) * width + (3 + place * 6 + column) * size) * 4
          for (let x = 0; x < size; x += 1) data.set([0, 0, 96], from + x * 4)
        }
      }
    }
  }
  return { width, height, data }
}

test('the letters of a picture are read, with where they stand, from a PNG and a JPEG', async () => {
  const made = sign('MALICE', 8)
  const lines = Array.from({ length: made.height }, (_, y) => [
    0,
    ...made.data.subarray(y * made.width * 4, (y + 1) * made.width * 4),
  ])
  const files = { 'image/png': png(made.width, made.height, 6, 8, lines), 'image/jpeg': encode(made, 90).data }
  for (const [mime_type, file] of Object.entries(files)) {
    const { text, words, colours, blocks, ...about } = await given('image_analysis', { image: base64(file), mime_type })
    expect([mime_type, text]).toEqual([mime_type, 'MALICE'])
    expect(about).toMatchObject({ mime_type, width: made.width, height: made.height, bitDepth: 8 })
    expect(colours.map(({ colour }: { colour: string }) => colour.slice(0, 2))).toContain('#f')
    expect(blocks).toHaveLength(8)
    const [left, top, width, height] = words[0].box
    for (const [is, wanted] of [
      [left, 24],
      [top, 24],
      [width, 280],
      [height, 56],
    ])
      expect(Math.abs(is - wanted)).toBeLessThan(16)
  }
  const blank = await given('image_analysis', { image: base64(files['image/png']), text: false })
  expect([blank.text, blank.words]).toEqual([null, null])
})

test('what is no image, another one, or a bomb, is the sender’s mistake', async () => {
  const gif = Buffer.concat([Buffer.from('GIF89a'), Buffer.from([3, 0, 2, 0]), Buffer.alloc(30)])
  expect(await given('image_analysis', { image: base64(gif) })).toMatchObject({
    mime_type: 'image/gif',
    width: 3,
    height: 2,
    colours: null,
  })
  const frame = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc2, 0, 17, 8, 0, 7, 0, 9, 3]
  const cut = Buffer.concat([Buffer.from(frame), Buffer.alloc(30)])
  expect(await codeOf('image_analysis', { image: base64(cut) })).toBe('BROKEN_IMAGE')
  expect(await codeOf('image_analysis', { image: base64(gif), mime_type: 'image/png' })).toBe('OTHER_TYPE')
  expect(await codeOf('image_analysis', { image: '***' })).toBe('NOT_BASE64')
  expect(await codeOf('image_analysis', { image: base64(Buffer.alloc(100)) })).toBe('NOT_AN_IMAGE')
  const bomb = png(10, 10, 2, 8, [Array.from({ length: 1_000_000 }, () => 0)])
  expect(await codeOf('image_analysis', { image: base64(bomb) })).toBe('BROKEN_IMAGE')
  expect(await codeOf('image_analysis', { image: base64(png(60_000, 60_000, 2, 8, [[0]])) })).toBe('BROKEN_IMAGE')
})

test('a fetch reaches no address that is not public, however it is written', async () => {
  const private4 = [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '017700000001',
    '10.0.0.1',
    '192.168.1.1',
    '172.31.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
  ]
  const private6 = [
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[fe80::1]',
    '[fd00::1]',
    '[2002:7f00:1::]',
    '[64:ff9b::7f00:1]',
    '[ff02::1]',
  ]
  for (const host of [...private4, ...private6, 'localhost', 'a.localhost']) {
    expect([host, await codeOf('http_fetch', { url: `http://${host}/` })]).toEqual([
      host,
      expect.stringMatching(/^NOT_(PUBLIC|FOUND)$/),
    ])
  }
  for (const url of ['file:///etc/passwd', 'ftp://example.org', 'gopher://x', 'no address']) {
    expect(await codeOf('http_fetch', { url })).toBe('INVALID_INPUT')
  }
  expect(['1.1.1.1', '8.8.8.8', '2606:4700::1111'].map(isPublic)).toEqual([true, true, true])
})

test('a name is resolved once, looked at whole, and the connection goes to what was looked at; each redirect begins anew', async () => {
  const seen: string[] = []
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/text': (response) =>
      response.setHeader('content-type', 'text/plain; charset=latin1').end(Buffer.from('gr\xfcezi', 'latin1')),
    '/to': (response) => response.writeHead(302, { location: '/text' }).end(),
    '/inside': (response) => response.writeHead(307, { location: 'http://inside.test/' }).end(),
    '/literal': (response) => response.writeHead(301, { location: 'http://127.0.0.2/' }).end(),
    '/file': (response) => response.writeHead(301, { location: 'file:///etc/passwd' }).end(),
    '/round': (response) => response.writeHead(302, { location: '/round' }).end(),
    '/long': (response) => response.end('x'.repeat(100_000)),
  }
  const server = createServer((request: IncomingMessage, response) => {
    seen.push(`${request.headers.host?.split(':')[0]}${request.url}`)
    answers[request.url ?? '']?.(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  let asked = 0
  const world: World = {
    resolve: async (host) => {
      asked += 1
      if (host === 'both.test') return ['127.0.0.1', '127.0.0.2']
      // It says another address the second time it is asked.
      return host === 'rebinds.test' && asked === 1 ? ['127.0.0.1'] : ['127.0.0.2']
    },
    isPublic: (address) => address === '127.0.0.1',
  }
  const get = (path: string, host = 'rebinds.test', maxBytes = 10_000) => {
    asked = 0
    const wanted = { url: `http://${host}:${port}${path}`, method: 'GET' as const, accept: '*/*', maxBytes }
    return fetchPublic(wanted, AbortSignal.timeout(10_000), world)
  }
  try {
    expect(await get('/text')).toMatchObject({ status: 200, body: 'grüezi', redirects: 0, cut: false })
    expect([asked, seen]).toEqual([1, ['rebinds.test/text']])
    // The redirect asks for the name again, and now it leads inside.
    await expect(get('/to')).rejects.toThrow('NOT_PUBLIC')
    expect(await get('/to', '127.0.0.1')).toMatchObject({
      status: 200,
      redirects: 1,
      url: `http://127.0.0.1:${port}/text`,
    })
    for (const path of ['/inside', '/literal']) await expect(get(path, '127.0.0.1')).rejects.toThrow('NOT_PUBLIC')
    for (const path of ['/file', '/round']) await expect(get(path, '127.0.0.1')).rejects.toThrow('TOO_MANY_REDIRECTS')
    await expect(get('/text', 'both.test')).rejects.toThrow('NOT_PUBLIC')
    expect(await get('/long', '127.0.0.1', 5)).toMatchObject({ body: 'xxxxx', bytes: 5, cut: true })
    expect(seen.filter((line) => line.startsWith('both') || line.startsWith('inside'))).toEqual([])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a computation that does not end is ended with its thread, and the next call has another', async () => {
  const evil = { type: 'string', pattern: '^(a+)+$' }
  const input = { schema: evil, document: `${'a'.repeat(40)}!` }
  const [called, other] = await Promise.all([
    runner.run('json_schema_validate', input, { signal: AbortSignal.timeout(300) }),
    given('text_statistics', { text: 'one' }),
  ])
  expect([called.ok ? 'ok' : called.error.code, other.words]).toEqual(['CANCELLED', 1])
  expect(await codeOf('json_schema_validate', { schema: {}, document: 1 })).toBe('ok')
})
