import { z } from 'zod';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** For Fastify's validator: what comes in, as draft-07, the dialect that Ajv compiles. */
export function bodySchema(schema: z.ZodType): JsonSchema {
  return toDraft7(schema, 'input');
}

/**
 * For Fastify's serializer: the members that may leave. Inside lists none is required: the serializer
 * throws on a missing one, and one odd item of a batch must not withhold the thousand others.
 */
export function replySchema(schema: z.ZodType): JsonSchema {
  return toDraft7(schema, 'output');
}

/** For OpenAPI 3.1, which speaks 2020-12; marks of sensitive members become `x-sensitive`. */
export function documentedSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    override: ({ jsonSchema }) => {
      if (jsonSchema['sensitive'] === true) {
        jsonSchema['x-sensitive'] = true;
        delete jsonSchema['sensitive'];
      }
    },
  });
  return rest;
}

/** Ajv refuses keywords that it does not know, as it should: the mark is for readers only. */
function toDraft7(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io,
    override: ({ jsonSchema, path }) => {
      delete jsonSchema['sensitive'];
      if (io === 'output' && path.includes('items')) {
        delete jsonSchema['required'];
      }
    },
  });
  return rest;
}
