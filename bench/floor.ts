// The floor of every figure: a Fastify route with the body and the answer of detokenize that does
// nothing, in a process of its own with the product's settings.
import Fastify from 'fastify';

const server = Fastify({ logger: false });
const text = { type: 'string' };
server.post(
  '/v1/vaults/:vault/detokenize',
  {
    schema: {
      body: {
        type: 'object',
        properties: { token: text, view: text, purpose: text },
        required: ['token'],
      },
      response: { 200: { type: 'object', properties: { value: text, field: text, view: text } } },
    },
  },
  async () => ({ value: 'k•••@example.com', field: 'email', view: 'masked' }),
);
const address = await server.listen({ host: '127.0.0.1', port: 0 });
process.send?.(address);
process.on('SIGTERM', () => void server.close());
