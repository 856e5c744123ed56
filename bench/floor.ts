// The floor of every figure: a Fastify route with the body and the answer of detokenize that does nothing, in
// a process of its own with the product's flags.
import Fastify from 'fastify';
import { detokenizeBody, detokenizeReply } from '../src/api/http/schemas/detokenize.ts';
import { bodySchema, replySchema } from '../src/api/http/schemas/json-schema.ts';

const server = Fastify({ logger: false });
server.post(
  '/v1/vaults/:vault/detokenize',
  { schema: { body: bodySchema(detokenizeBody), response: { 200: replySchema(detokenizeReply) } } },
  async () => ({ value: 'k•••@example.com', field: 'email', view: 'masked' }),
);
const http = await server.listen({ host: '127.0.0.1', port: 0 });
console.log(JSON.stringify({ event: 'listening', http }));
process.send?.(http);
process.on('SIGTERM', () => void server.close());
