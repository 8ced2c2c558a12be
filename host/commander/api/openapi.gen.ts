// SPDX-License-Identifier: Apache-2.0
// The API's types, generated from openapi.json beside it: `npm run api`. Before it: the document. After it:
// host/commander/client. Not written by hand.

export interface paths {
    "/api/v1/routes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Routes
         * @description In the order of names; with `text` in the order in which they were made. Filters add up.
         */
        get: operations["listRoutes"];
        put?: never;
        /**
         * Make a Route
         * @description Its id is made by the Commander.
         */
        post: operations["createRoute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/routes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a Route */
        get: operations["getRoute"];
        /**
         * Replace a Route's fields
         * @description All of them: a field that is left out becomes its default.
         */
        put: operations["replaceRoute"];
        post?: never;
        /**
         * Delete a Route
         * @description What is in use stays, and the answer lists what uses it.
         */
        delete: operations["deleteRoute"];
        options?: never;
        head?: never;
        /**
         * Change some of a Route's fields
         * @description A merge patch (RFC 7396): a field that is absent stays, null takes it away, lists are replaced.
         */
        patch: operations["changeRoute"];
        trace?: never;
    };
    "/api/v1/routes/{id}/uses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what uses a Route, and which STLinks have it */
        get: operations["listRouteUses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/templates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Templates
         * @description In the order of names; with `text` in the order in which they were made. Filters add up.
         */
        get: operations["listTemplates"];
        put?: never;
        /**
         * Make a Template
         * @description Its id is made by the Commander.
         */
        post: operations["createTemplate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/templates/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a Template */
        get: operations["getTemplate"];
        /**
         * Replace a Template's fields
         * @description All of them: a field that is left out becomes its default.
         */
        put: operations["replaceTemplate"];
        post?: never;
        /**
         * Delete a Template
         * @description What is in use stays, and the answer lists what uses it.
         */
        delete: operations["deleteTemplate"];
        options?: never;
        head?: never;
        /**
         * Change some of a Template's fields
         * @description A merge patch (RFC 7396): a field that is absent stays, null takes it away, lists are replaced.
         */
        patch: operations["changeTemplate"];
        trace?: never;
    };
    "/api/v1/templates/{id}/uses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what uses a Template, and which STLinks have it */
        get: operations["listTemplateUses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/profiles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Profiles
         * @description In the order of names; with `text` in the order in which they were made. Filters add up.
         */
        get: operations["listProfiles"];
        put?: never;
        /**
         * Make a Profile
         * @description Its id is made by the Commander.
         */
        post: operations["createProfile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/profiles/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a Profile */
        get: operations["getProfile"];
        /**
         * Replace a Profile's fields
         * @description All of them: a field that is left out becomes its default.
         */
        put: operations["replaceProfile"];
        post?: never;
        /**
         * Delete a Profile
         * @description What is in use stays, and the answer lists what uses it.
         */
        delete: operations["deleteProfile"];
        options?: never;
        head?: never;
        /**
         * Change some of a Profile's fields
         * @description A merge patch (RFC 7396): a field that is absent stays, null takes it away, lists are replaced.
         */
        patch: operations["changeProfile"];
        trace?: never;
    };
    "/api/v1/profiles/{id}/uses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what uses a Profile, and which STLinks have it */
        get: operations["listProfileUses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stlinks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Stlinks
         * @description In the order of names; with `text` in the order in which they were made. Filters add up.
         */
        get: operations["listStlinks"];
        put?: never;
        /**
         * Make a Stlink
         * @description Its id is made by the Commander.
         */
        post: operations["createStlink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stlinks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a Stlink */
        get: operations["getStlink"];
        /**
         * Replace a Stlink's fields
         * @description All of them: a field that is left out becomes its default.
         */
        put: operations["replaceStlink"];
        post?: never;
        /**
         * Delete a Stlink
         * @description What is in use stays, and the answer lists what uses it.
         */
        delete: operations["deleteStlink"];
        options?: never;
        head?: never;
        /**
         * Change some of a Stlink's fields
         * @description A merge patch (RFC 7396): a field that is absent stays, null takes it away, lists are replaced.
         */
        patch: operations["changeStlink"];
        trace?: never;
    };
    "/api/v1/stlinks/{id}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke an STLink
         * @description At once, and for ever: its keys are never admitted again. Connections that it has are cut.
         */
        post: operations["revokeStlink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stlinks/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask an STLink to make a new key
         * @description It has to be online. Its connections go on; `nextKey` shows that it has answered.
         */
        post: operations["rotateStlink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stlinks/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Approve the key of an STLink that waits
         * @description Compare the fingerprint that its own console shows with `waiting.fingerprint` first.
         */
        post: operations["approveStlink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stlinks/{id}/code": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a code for one STLink
         * @description Activates it if it is invited; replaces its machine otherwise: it keeps id, Routes and history, and the old key is refused from then on. By the rules of its Profile. The code is shown once.
         */
        post: operations["makeStlinkCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stlinks/{id}/tags": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Add Tags to an STLink, or take them away
         * @description Without If-Match: two people who tag one STLink do not disturb each other.
         */
        post: operations["tagStlink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tags": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Tags
         * @description In the order of names; with `text` in the order in which they were made. Filters add up.
         */
        get: operations["listTags"];
        put?: never;
        /**
         * Make a Tag
         * @description Its id is made by the Commander.
         */
        post: operations["createTag"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tags/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a Tag */
        get: operations["getTag"];
        /**
         * Replace a Tag's fields
         * @description All of them: a field that is left out becomes its default.
         */
        put: operations["replaceTag"];
        post?: never;
        /**
         * Delete a Tag
         * @description What is in use stays, and the answer lists what uses it.
         */
        delete: operations["deleteTag"];
        options?: never;
        head?: never;
        /**
         * Change some of a Tag's fields
         * @description A merge patch (RFC 7396): a field that is absent stays, null takes it away, lists are replaced.
         */
        patch: operations["changeTag"];
        trace?: never;
    };
    "/api/v1/tags/{id}/uses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what uses a Tag, and which STLinks have it */
        get: operations["listTagUses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Customers
         * @description In the order of names; with `text` in the order in which they were made. Filters add up.
         */
        get: operations["listCustomers"];
        put?: never;
        /**
         * Make a Customer
         * @description Its id is made by the Commander.
         */
        post: operations["createCustomer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/customers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a Customer */
        get: operations["getCustomer"];
        /**
         * Replace a Customer's fields
         * @description All of them: a field that is left out becomes its default.
         */
        put: operations["replaceCustomer"];
        post?: never;
        /**
         * Delete a Customer
         * @description What is in use stays, and the answer lists what uses it.
         */
        delete: operations["deleteCustomer"];
        options?: never;
        head?: never;
        /**
         * Change some of a Customer's fields
         * @description A merge patch (RFC 7396): a field that is absent stays, null takes it away, lists are replaced.
         */
        patch: operations["changeCustomer"];
        trace?: never;
    };
    "/api/v1/customers/{id}/psk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make the pre-shared key of a Customer's Commander
         * @description Of its hop to this site's Connectors. A hop under the one before it ends; without one a hop has no post-quantum authentication. It is shown once.
         */
        post: operations["makeCustomerPsk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/profiles/{id}/codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make an activation code of a Profile
         * @description By the Profile's rules. The code is shown once, and kept as hashes.
         */
        post: operations["makeProfileCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List activation codes, and who has used which
         * @description The newest first.
         */
        get: operations["listCodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/codes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an activation code: state and uses */
        get: operations["getCode"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/codes/{id}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke an activation code
         * @description It activates nobody any more. STLinks that have used it stay.
         */
        post: operations["revokeCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/site": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the site: Connectors, version, counts, health */
        get: operations["getSite"];
        /**
         * Say which Connectors the site has
         * @description Every STLink is told. An STLink that only knows Connectors that went is lost.
         */
        put: operations["replaceSite"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/document": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Export all Tags, Routes, Templates and Profiles as one document */
        get: operations["exportDocument"];
        put?: never;
        /**
         * Make everything as a document says
         * @description Whole: what it does not name is removed. All of it is done, or nothing. TOML is taken too (Content-Type application/toml).
         */
        post: operations["importDocument"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the audit log
         * @description The newest first.
         */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look for rows of the audit log that were changed, removed or moved */
        get: operations["verifyAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/backup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a backup on the server
         * @description It holds the site's secrets, so it stays there: fetch it as the owner.
         */
        post: operations["backUp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List tokens
         * @description The newest first.
         */
        get: operations["listTokens"];
        put?: never;
        /** Make a token */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{id}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke a token
         * @description At once. Its name stays taken, for the audit log speaks of it.
         */
        post: operations["revokeToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read whose token this is */
        get: operations["whoami"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Hear of changes as they are made
         * @description Server-sent events: the fields event, id and data (JSON) of each.
         */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @example {
         *       "type": "mapping",
         *       "name": "camera-page",
         *       "address": "192.168.0.1",
         *       "port": 543
         *     }
         */
        NewMapping: {
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description?: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags?: string[];
            /**
             * @description What it carries.
             * @default tcp
             * @enum {string}
             */
            protocol?: "tcp" | "udp";
            /**
             * @description Whether it refuses a peer whose key changed until that is confirmed.
             * @default false
             */
            pinned?: boolean;
            /**
             * @description How long a connection is held while the peer is not heard of.
             * @default 120s
             * @example 120s
             * @example 0s
             */
            hold?: string;
            /**
             * @description UDP: after so long without a datagram a source address is forgotten.
             * @example 60s
             */
            idle?: string;
            /**
             * @description UDP: a datagram that could not be sent for so long is dropped.
             * @example 500ms
             */
            age?: string;
            /** @description UDP: source addresses at once, of a Binding, or of a Mapping for each peer. */
            flows?: number;
            /** @constant */
            type: "mapping";
            /**
             * @description Where the service is: a loopback or private IP address, or a host name. Never public.
             * @example 192.168.0.1
             * @example camera.local
             * @example ::1
             */
            address: string;
            /** @description The service's port. */
            port: number;
        };
        /**
         * @example {
         *       "type": "binding",
         *       "name": "office",
         *       "mapping": "8f14e45fceea167a5a36dedd4bea2543",
         *       "address": "127.0.0.1",
         *       "port": 443
         *     }
         */
        NewBinding: {
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description?: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags?: string[];
            /**
             * @description What it carries.
             * @default tcp
             * @enum {string}
             */
            protocol?: "tcp" | "udp";
            /**
             * @description Whether it refuses a peer whose key changed until that is confirmed.
             * @default false
             */
            pinned?: boolean;
            /**
             * @description How long a connection is held while the peer is not heard of.
             * @default 120s
             * @example 120s
             * @example 0s
             */
            hold?: string;
            /**
             * @description UDP: after so long without a datagram a source address is forgotten.
             * @example 60s
             */
            idle?: string;
            /**
             * @description UDP: a datagram that could not be sent for so long is dropped.
             * @example 500ms
             */
            age?: string;
            /** @description UDP: source addresses at once, of a Binding, or of a Mapping for each peer. */
            flows?: number;
            /** @constant */
            type: "binding";
            /** @description The Mapping that it leads to. */
            mapping: string;
            /**
             * @description Where it listens: loopback, a private address, an interface's name, or "all".
             * @default 127.0.0.1
             * @example 127.0.0.1
             * @example eth0
             * @example all
             */
            address?: string;
            /** @description The port that it listens on. */
            port: number;
            /**
             * @description What people who use it should know.
             * @default
             */
            help?: string;
            /**
             * @description Who may use it, and how much.
             * @default {}
             */
            access?: {
                /**
                 * @description Networks whose machines may use it. Empty: all that reach it.
                 * @default []
                 */
                sources?: string[];
                /** @description Connections at once, at most. */
                connections?: number;
                /**
                 * @description Bytes in a second, at most.
                 * @example 1MiB
                 */
                rate?: string;
            };
            /**
             * @description Where it listens beyond loopback, said again: "tcp eth0:443".
             * @example tcp eth0:443
             */
            exposes?: string;
        };
        NewRoute: components["schemas"]["NewMapping"] | components["schemas"]["NewBinding"];
        /**
         * @example {
         *       "description": "The page at the door."
         *     }
         */
        RoutePatch: {
            /** @description What you call it; unique among its kind. */
            name?: string | null;
            /** @description What it is for. */
            description?: string | null;
            /** @description Its Tags. */
            tags?: string[] | null;
            /** @description What it carries. */
            protocol?: ("tcp" | "udp") | null;
            /** @description Whether it refuses a peer whose key changed until that is confirmed. */
            pinned?: boolean | null;
            /** @description How long a connection is held while the peer is not heard of. */
            hold?: string | null;
            /** @description UDP: after so long without a datagram a source address is forgotten. */
            idle?: string | null;
            /** @description UDP: a datagram that could not be sent for so long is dropped. */
            age?: string | null;
            /** @description UDP: source addresses at once, of a Binding, or of a Mapping for each peer. */
            flows?: number | null;
            /** @description The Mapping that it leads to. */
            mapping?: string | null;
            /** @description Where it listens: loopback, a private address, an interface's name, or "all". */
            address?: string | null;
            /** @description The port that it listens on. */
            port?: number | null;
            /** @description What people who use it should know. */
            help?: string | null;
            /** @description Who may use it, and how much. */
            access?: {
                /** @description Networks whose machines may use it. Empty: all that reach it. */
                sources?: string[] | null;
                /** @description Connections at once, at most. */
                connections?: number | null;
                /** @description Bytes in a second, at most. */
                rate?: string | null;
            } | null;
            /** @description Where it listens beyond loopback, said again: "tcp eth0:443". */
            exposes?: string | null;
        };
        /**
         * @example {
         *       "name": "cameras",
         *       "routes": [
         *         "8f14e45fceea167a5a36dedd4bea2543"
         *       ]
         *     }
         */
        NewTemplate: {
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description?: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags?: string[];
            /**
             * @description Its Routes.
             * @default []
             */
            routes?: string[];
        };
        /**
         * @example {
         *       "description": "At the door."
         *     }
         */
        TemplatePatch: {
            /** @description What you call it; unique among its kind. */
            name?: string | null;
            /** @description What it is for. */
            description?: string | null;
            /** @description Its Tags. */
            tags?: string[] | null;
            /** @description Its Routes. */
            routes?: string[] | null;
        };
        /**
         * @example {
         *       "name": "factory",
         *       "templates": [
         *         "8f14e45fceea167a5a36dedd4bea2543"
         *       ],
         *       "codes": {
         *         "uses": 1,
         *         "expiry": "1d"
         *       }
         *     }
         */
        NewProfile: {
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description?: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags?: string[];
            /**
             * @description Its Templates.
             * @default []
             */
            templates?: string[];
            /**
             * @description Its Routes.
             * @default []
             */
            routes?: string[];
            /**
             * @description How long an STLink works without hearing its Commander.
             * @default 7d
             * @example 7d
             * @example never
             */
            lease?: string;
            /**
             * @description The rules for its activation codes.
             * @default {}
             */
            codes?: {
                /**
                 * @description How many STLinks one code activates.
                 * @default 1
                 */
                uses?: number;
                /**
                 * @description How long a code is good for.
                 * @default 1d
                 * @example 1d
                 * @example 2h
                 */
                expiry?: string;
                /**
                 * @description Networks that a code may be used from. Empty: all.
                 * @default []
                 */
                sources?: string[];
                /**
                 * @description Whether an administrator compares the fingerprint first.
                 * @default false
                 */
                approval?: boolean;
            };
        };
        /**
         * @example {
         *       "description": "At the door."
         *     }
         */
        ProfilePatch: {
            /** @description What you call it; unique among its kind. */
            name?: string | null;
            /** @description What it is for. */
            description?: string | null;
            /** @description Its Tags. */
            tags?: string[] | null;
            /** @description Its Templates. */
            templates?: string[] | null;
            /** @description Its Routes. */
            routes?: string[] | null;
            /** @description How long an STLink works without hearing its Commander. */
            lease?: string | null;
            /** @description The rules for its activation codes. */
            codes?: {
                /** @description How many STLinks one code activates. */
                uses?: number | null;
                /** @description How long a code is good for. */
                expiry?: string | null;
                /** @description Networks that a code may be used from. Empty: all. */
                sources?: string[] | null;
                /** @description Whether an administrator compares the fingerprint first. */
                approval?: boolean | null;
            } | null;
        };
        /**
         * @example {
         *       "name": "camera-1",
         *       "templates": [
         *         "8f14e45fceea167a5a36dedd4bea2543"
         *       ]
         *     }
         */
        NewStlink: {
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description?: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags?: string[];
            /** @description The Profile that it is deployed by. */
            profile?: string;
            /**
             * @description The Templates assigned to it.
             * @default []
             */
            templates?: string[];
        };
        /**
         * @example {
         *       "description": "At the door."
         *     }
         */
        StlinkPatch: {
            /** @description What you call it; unique among its kind. */
            name?: string | null;
            /** @description What it is for. */
            description?: string | null;
            /** @description Its Tags. */
            tags?: string[] | null;
            /** @description The Profile that it is deployed by. */
            profile?: string | null;
            /** @description The Templates assigned to it. */
            templates?: string[] | null;
        };
        /**
         * @example {
         *       "name": "hall",
         *       "description": "In the hall."
         *     }
         */
        NewTag: {
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description?: string;
        };
        /**
         * @example {
         *       "description": "At the door."
         *     }
         */
        TagPatch: {
            /** @description What you call it; unique among its kind. */
            name?: string | null;
            /** @description What it is for. */
            description?: string | null;
        };
        /**
         * @example {
         *       "name": "northern",
         *       "commander": {
         *         "id": "c9f0f895fb98ab9159f51fd0297e236d",
         *         "key": "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209",
         *         "recovery": "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
         *       },
         *       "stlinks": 100
         *     }
         */
        NewCustomer: {
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description?: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags?: string[];
            /** @description The Commander that speaks for it. */
            commander: {
                /** @description Its id. */
                id: string;
                /** @description Its public key. */
                key: string;
                /** @description Its recovery key, the public half. */
                recovery: string;
            };
            /** @description How many STLinks it may have. */
            stlinks?: number;
            /**
             * @description Bytes in a second, of all of them together.
             * @example 1MiB
             */
            rate?: string;
            /**
             * @description Whether its STLinks are refused for now.
             * @default false
             */
            suspended?: boolean;
        };
        /**
         * @example {
         *       "description": "At the door."
         *     }
         */
        CustomerPatch: {
            /** @description What you call it; unique among its kind. */
            name?: string | null;
            /** @description What it is for. */
            description?: string | null;
            /** @description Its Tags. */
            tags?: string[] | null;
            /** @description The Commander that speaks for it. */
            commander?: {
                /** @description Its id. */
                id?: string | null;
                /** @description Its public key. */
                key?: string | null;
                /** @description Its recovery key, the public half. */
                recovery?: string | null;
            } | null;
            /** @description How many STLinks it may have. */
            stlinks?: number | null;
            /** @description Bytes in a second, of all of them together. */
            rate?: string | null;
            /** @description Whether its STLinks are refused for now. */
            suspended?: boolean | null;
        };
        /**
         * A Commander's Routes, Templates, Profiles and Tags
         * @example {
         *       "tags": [
         *         {
         *           "name": "hall"
         *         }
         *       ],
         *       "mappings": [
         *         {
         *           "name": "camera-page",
         *           "address": "192.168.0.1",
         *           "port": 543,
         *           "tags": [
         *             "hall"
         *           ]
         *         }
         *       ],
         *       "bindings": [
         *         {
         *           "name": "office",
         *           "mapping": "camera-page",
         *           "port": 443
         *         }
         *       ],
         *       "templates": [
         *         {
         *           "name": "cameras",
         *           "routes": [
         *             "camera-page"
         *           ]
         *         }
         *       ]
         *     }
         */
        Document: {
            /** @description The JSON Schema, for editors. */
            $schema?: string;
            /**
             * @description Tags, which the others name.
             * @default []
             */
            tags?: {
                /** @description What you call it; unique among its kind. */
                name: string;
                /**
                 * @description What it is for.
                 * @default
                 */
                description?: string;
            }[];
            /**
             * @description Mapping Routes: where STLinks send what they receive.
             * @default []
             */
            mappings?: {
                /** @description What you call it; unique among its kind. */
                name: string;
                /**
                 * @description What it is for.
                 * @default
                 */
                description?: string;
                /**
                 * @description Its Tags.
                 * @default []
                 */
                tags?: string[];
                /**
                 * @description What it carries.
                 * @default tcp
                 * @enum {string}
                 */
                protocol?: "tcp" | "udp";
                /**
                 * @description Whether it refuses a peer whose key changed until that is confirmed.
                 * @default false
                 */
                pinned?: boolean;
                /**
                 * @description How long a connection is held while the peer is not heard of.
                 * @default 120s
                 * @example 120s
                 * @example 0s
                 */
                hold?: string;
                /**
                 * @description UDP: after so long without a datagram a source address is forgotten.
                 * @example 60s
                 */
                idle?: string;
                /**
                 * @description UDP: a datagram that could not be sent for so long is dropped.
                 * @example 500ms
                 */
                age?: string;
                /** @description UDP: source addresses at once, of a Binding, or of a Mapping for each peer. */
                flows?: number;
                /**
                 * @default mapping
                 * @constant
                 */
                type?: "mapping";
                /**
                 * @description Where the service is: a loopback or private IP address, or a host name. Never public.
                 * @example 192.168.0.1
                 * @example camera.local
                 * @example ::1
                 */
                address: string;
                /** @description The service's port. */
                port: number;
            }[];
            /**
             * @description Binding Routes: where STLinks listen.
             * @default []
             */
            bindings?: {
                /** @description What you call it; unique among its kind. */
                name: string;
                /**
                 * @description What it is for.
                 * @default
                 */
                description?: string;
                /**
                 * @description Its Tags.
                 * @default []
                 */
                tags?: string[];
                /**
                 * @description What it carries.
                 * @default tcp
                 * @enum {string}
                 */
                protocol?: "tcp" | "udp";
                /**
                 * @description Whether it refuses a peer whose key changed until that is confirmed.
                 * @default false
                 */
                pinned?: boolean;
                /**
                 * @description How long a connection is held while the peer is not heard of.
                 * @default 120s
                 * @example 120s
                 * @example 0s
                 */
                hold?: string;
                /**
                 * @description UDP: after so long without a datagram a source address is forgotten.
                 * @example 60s
                 */
                idle?: string;
                /**
                 * @description UDP: a datagram that could not be sent for so long is dropped.
                 * @example 500ms
                 */
                age?: string;
                /** @description UDP: source addresses at once, of a Binding, or of a Mapping for each peer. */
                flows?: number;
                /**
                 * @default binding
                 * @constant
                 */
                type?: "binding";
                /** @description The Mapping that it leads to. */
                mapping: string;
                /**
                 * @description Where it listens: loopback, a private address, an interface's name, or "all".
                 * @default 127.0.0.1
                 * @example 127.0.0.1
                 * @example eth0
                 * @example all
                 */
                address?: string;
                /** @description The port that it listens on. */
                port: number;
                /**
                 * @description What people who use it should know.
                 * @default
                 */
                help?: string;
                /**
                 * @description Who may use it, and how much.
                 * @default {}
                 */
                access?: {
                    /**
                     * @description Networks whose machines may use it. Empty: all that reach it.
                     * @default []
                     */
                    sources?: string[];
                    /** @description Connections at once, at most. */
                    connections?: number;
                    /**
                     * @description Bytes in a second, at most.
                     * @example 1MiB
                     */
                    rate?: string;
                };
                /**
                 * @description Where it listens beyond loopback, said again: "tcp eth0:443".
                 * @example tcp eth0:443
                 */
                exposes?: string;
            }[];
            /**
             * @description Templates: sets of Routes.
             * @default []
             */
            templates?: {
                /** @description What you call it; unique among its kind. */
                name: string;
                /**
                 * @description What it is for.
                 * @default
                 */
                description?: string;
                /**
                 * @description Its Tags.
                 * @default []
                 */
                tags?: string[];
                /**
                 * @description Its Routes.
                 * @default []
                 */
                routes?: string[];
            }[];
            /**
             * @description Profiles: how STLinks are deployed.
             * @default []
             */
            profiles?: {
                /** @description What you call it; unique among its kind. */
                name: string;
                /**
                 * @description What it is for.
                 * @default
                 */
                description?: string;
                /**
                 * @description Its Tags.
                 * @default []
                 */
                tags?: string[];
                /**
                 * @description Its Templates.
                 * @default []
                 */
                templates?: string[];
                /**
                 * @description Its Routes.
                 * @default []
                 */
                routes?: string[];
                /**
                 * @description How long an STLink works without hearing its Commander.
                 * @default 7d
                 * @example 7d
                 * @example never
                 */
                lease?: string;
                /**
                 * @description The rules for its activation codes.
                 * @default {}
                 */
                codes?: {
                    /**
                     * @description How many STLinks one code activates.
                     * @default 1
                     */
                    uses?: number;
                    /**
                     * @description How long a code is good for.
                     * @default 1d
                     * @example 1d
                     * @example 2h
                     */
                    expiry?: string;
                    /**
                     * @description Networks that a code may be used from. Empty: all.
                     * @default []
                     */
                    sources?: string[];
                    /**
                     * @description Whether an administrator compares the fingerprint first.
                     * @default false
                     */
                    approval?: boolean;
                };
            }[];
        };
        /**
         * @example {
         *       "connectors": [
         *         {
         *           "key": "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209",
         *           "address": "connector.example:443"
         *         }
         *       ]
         *     }
         */
        NewSite: {
            /** @description All of them; STLinks try them in this order. */
            connectors: {
                /** @description Its public key. */
                key: string;
                /**
                 * @description Where STLinks dial it: `host:port`.
                 * @example connector.example:443
                 */
                address: string;
                /** @description Of the Commander's hop to it. Kept as a secret, and shown to nobody; absent: as it was. */
                psk?: string;
            }[];
        };
        /**
         * @example {
         *       "key": "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209"
         *     }
         */
        Approval: {
            /** @description The key that was compared: `waiting.key`. */
            key: string;
        };
        /**
         * @example {
         *       "add": [
         *         "8f14e45fceea167a5a36dedd4bea2543"
         *       ]
         *     }
         */
        TagsChange: {
            /** @default [] */
            add?: string[];
            /** @default [] */
            remove?: string[];
        };
        /**
         * @example {
         *       "name": "ci",
         *       "role": "operator",
         *       "expiry": "90d"
         *     }
         */
        NewToken: {
            /** @description Whose it is, or what for; the audit log calls its holder so. */
            name: string;
            /**
             * @description viewer: reads; operator: objects, codes, STLinks; admin: everything.
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
            /**
             * @description How long it is good for.
             * @default 30d
             * @example 30d
             * @example 12h
             */
            expiry?: string;
        };
        /** @description An object that uses another. */
        User: {
            /** @description What it is: a template, a profile, ... */
            kind: string;
            id: string;
            name: string;
        };
        Problem: {
            /** @enum {string} */
            code: "Invalid" | "NeedsConfirmation" | "Taken" | "NotFound" | "InUse" | "Stale" | "NotNow" | "TooLarge" | "StoreLocked" | "StoreFull" | "StoreDamaged" | "StoreNewer" | "StoreUnusable" | "BadRequest" | "NotAuthenticated" | "NotAllowed" | "NoSuchPath" | "NoSuchMethod" | "TooSlow" | "TooLong" | "WrongMedia" | "WrongHost" | "MatchNeeded" | "TooMany" | "HeadersTooLong" | "Internal";
            /** @description The field; empty: all of it. */
            path: (string | number)[];
            /** @description What happened, to which thing, and what to do now. */
            sentence: string;
            /** @description InUse: by whom. */
            users?: components["schemas"]["User"][];
        };
        /** @description Why a request was refused. */
        Error: {
            error: {
                /**
                 * @description That of the first problem; it decides the status.
                 * @enum {string}
                 */
                code: "Invalid" | "NeedsConfirmation" | "Taken" | "NotFound" | "InUse" | "Stale" | "NotNow" | "TooLarge" | "StoreLocked" | "StoreFull" | "StoreDamaged" | "StoreNewer" | "StoreUnusable" | "BadRequest" | "NotAuthenticated" | "NotAllowed" | "NoSuchPath" | "NoSuchMethod" | "TooSlow" | "TooLong" | "WrongMedia" | "WrongHost" | "MatchNeeded" | "TooMany" | "HeadersTooLong" | "Internal";
                /** @description The sentences of all problems, a line each. */
                message: string;
                problems: components["schemas"]["Problem"][];
            };
        };
        /** @description A version of configurations. */
        Version: {
            /** @description Rises when a database is restored or a key recovered. */
            epoch: number;
            /** @description A u64 in digits; rises with each change. */
            serial: string;
        };
        Deleted: {
            /** @description What it was. */
            id: string;
        };
        AuditRow: {
            n: number;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            at: string;
            who: string;
            /** @description A verb: create, change, delete, activate, ... */
            what: string;
            kind: string;
            id: string;
            name: string;
            /** @description As it was; null: it was not there. */
            before: unknown;
            /** @description As it is since; null: it is gone. */
            after: unknown;
            /** @description Of this row and of the one before it. */
            hash: string;
        };
        AuditVerdict: {
            isGood: boolean;
            /** @description The first hundred. */
            findings: {
                n: number;
                what: string;
            }[];
            /** @description The last row: worth noting where nobody can change it. */
            head: {
                n: number;
                hash: string;
            };
        };
        Backup: {
            /** @description The file, in the folder "backups" beside the database. */
            name: string;
            bytes: number;
        };
        Mapping: {
            /** @description Its id. */
            id: string;
            /** @description Rises with each change; the ETag. */
            version: number;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            createdAt: string;
            /** @description The name of the token, or of a part of the Commander. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            changedAt: string;
            changedBy: string;
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags: string[];
            /**
             * @description What it carries.
             * @default tcp
             * @enum {string}
             */
            protocol: "tcp" | "udp";
            /**
             * @description Whether it refuses a peer whose key changed until that is confirmed.
             * @default false
             */
            pinned: boolean;
            /**
             * @description How long a connection is held while the peer is not heard of.
             * @default 120s
             * @example 120s
             * @example 0s
             */
            hold: string;
            /**
             * @description UDP: after so long without a datagram a source address is forgotten.
             * @example 60s
             */
            idle?: string;
            /**
             * @description UDP: a datagram that could not be sent for so long is dropped.
             * @example 500ms
             */
            age?: string;
            /** @description UDP: source addresses at once, of a Binding, or of a Mapping for each peer. */
            flows?: number;
            /** @constant */
            type: "mapping";
            /**
             * @description Where the service is: a loopback or private IP address, or a host name. Never public.
             * @example 192.168.0.1
             * @example camera.local
             * @example ::1
             */
            address: string;
            /** @description The service's port. */
            port: number;
        };
        Binding: {
            /** @description Its id. */
            id: string;
            /** @description Rises with each change; the ETag. */
            version: number;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            createdAt: string;
            /** @description The name of the token, or of a part of the Commander. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            changedAt: string;
            changedBy: string;
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags: string[];
            /**
             * @description What it carries.
             * @default tcp
             * @enum {string}
             */
            protocol: "tcp" | "udp";
            /**
             * @description Whether it refuses a peer whose key changed until that is confirmed.
             * @default false
             */
            pinned: boolean;
            /**
             * @description How long a connection is held while the peer is not heard of.
             * @default 120s
             * @example 120s
             * @example 0s
             */
            hold: string;
            /**
             * @description UDP: after so long without a datagram a source address is forgotten.
             * @example 60s
             */
            idle?: string;
            /**
             * @description UDP: a datagram that could not be sent for so long is dropped.
             * @example 500ms
             */
            age?: string;
            /** @description UDP: source addresses at once, of a Binding, or of a Mapping for each peer. */
            flows?: number;
            /** @constant */
            type: "binding";
            /** @description The Mapping that it leads to. */
            mapping: string;
            /**
             * @description Where it listens: loopback, a private address, an interface's name, or "all".
             * @default 127.0.0.1
             * @example 127.0.0.1
             * @example eth0
             * @example all
             */
            address: string;
            /** @description The port that it listens on. */
            port: number;
            /**
             * @description What people who use it should know.
             * @default
             */
            help: string;
            /** @description Who may use it, and how much. */
            access: {
                /**
                 * @description Networks whose machines may use it. Empty: all that reach it.
                 * @default []
                 */
                sources: string[];
                /** @description Connections at once, at most. */
                connections?: number;
                /**
                 * @description Bytes in a second, at most.
                 * @example 1MiB
                 */
                rate?: string;
            };
            /**
             * @description Where it listens beyond loopback, said again: "tcp eth0:443".
             * @example tcp eth0:443
             */
            exposes?: string;
        };
        Route: components["schemas"]["Mapping"] | components["schemas"]["Binding"];
        Template: {
            /** @description Its id. */
            id: string;
            /** @description Rises with each change; the ETag. */
            version: number;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            createdAt: string;
            /** @description The name of the token, or of a part of the Commander. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            changedAt: string;
            changedBy: string;
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags: string[];
            /**
             * @description Its Routes.
             * @default []
             */
            routes: string[];
        };
        Profile: {
            /** @description Its id. */
            id: string;
            /** @description Rises with each change; the ETag. */
            version: number;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            createdAt: string;
            /** @description The name of the token, or of a part of the Commander. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            changedAt: string;
            changedBy: string;
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags: string[];
            /**
             * @description Its Templates.
             * @default []
             */
            templates: string[];
            /**
             * @description Its Routes.
             * @default []
             */
            routes: string[];
            /**
             * @description How long an STLink works without hearing its Commander.
             * @default 7d
             * @example 7d
             * @example never
             */
            lease: string;
            /** @description The rules for its activation codes. */
            codes: {
                /**
                 * @description How many STLinks one code activates.
                 * @default 1
                 */
                uses: number;
                /**
                 * @description How long a code is good for.
                 * @default 1d
                 * @example 1d
                 * @example 2h
                 */
                expiry: string;
                /**
                 * @description Networks that a code may be used from. Empty: all.
                 * @default []
                 */
                sources: string[];
                /**
                 * @description Whether an administrator compares the fingerprint first.
                 * @default false
                 */
                approval: boolean;
            };
        };
        Tag: {
            /** @description Its id. */
            id: string;
            /** @description Rises with each change; the ETag. */
            version: number;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            createdAt: string;
            /** @description The name of the token, or of a part of the Commander. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            changedAt: string;
            changedBy: string;
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description: string;
        };
        Customer: {
            /** @description Its id. */
            id: string;
            /** @description Rises with each change; the ETag. */
            version: number;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            createdAt: string;
            /** @description The name of the token, or of a part of the Commander. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            changedAt: string;
            changedBy: string;
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags: string[];
            /** @description The Commander that speaks for it. */
            commander: {
                /** @description Its id. */
                id: string;
                /** @description Its public key. */
                key: string;
                /** @description Its recovery key, the public half. */
                recovery: string;
            };
            /** @description How many STLinks it may have. */
            stlinks?: number;
            /**
             * @description Bytes in a second, of all of them together.
             * @example 1MiB
             */
            rate?: string;
            /**
             * @description Whether its STLinks are refused for now.
             * @default false
             */
            suspended: boolean;
        };
        Code: {
            /**
             * @description Its codeId; public.
             * @example 7d793037a0760186
             */
            id: string;
            profile: string | null;
            /** @description The STLink that it is for; null: each use makes one. */
            stlink: string | null;
            rules: {
                /**
                 * @description How many STLinks one code activates.
                 * @default 1
                 */
                uses: number;
                /**
                 * @description How long a code is good for.
                 * @default 1d
                 * @example 1d
                 * @example 2h
                 */
                expiry: string;
                /**
                 * @description Networks that a code may be used from. Empty: all.
                 * @default []
                 */
                sources: string[];
                /**
                 * @description Whether an administrator compares the fingerprint first.
                 * @default false
                 */
                approval: boolean;
            };
            /** @enum {string} */
            state: "open" | "used" | "expired" | "revoked";
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            madeAt: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            expiresAt: string;
            revokedAt: string | null;
            uses: {
                key: string;
                stlink: string;
                /** @description Null: it was deleted. */
                stlinkName: string | null;
                /**
                 * Format: date-time
                 * @example 2026-01-02T03:04:05.678Z
                 */
                at: string;
                isApproved: boolean;
                confirmedAt: string | null;
            }[];
        };
        NewCode: {
            /**
             * @description Its codeId; public.
             * @example 7d793037a0760186
             */
            id: string;
            profile: string | null;
            /** @description The STLink that it is for; null: each use makes one. */
            stlink: string | null;
            rules: {
                /**
                 * @description How many STLinks one code activates.
                 * @default 1
                 */
                uses: number;
                /**
                 * @description How long a code is good for.
                 * @default 1d
                 * @example 1d
                 * @example 2h
                 */
                expiry: string;
                /**
                 * @description Networks that a code may be used from. Empty: all.
                 * @default []
                 */
                sources: string[];
                /**
                 * @description Whether an administrator compares the fingerprint first.
                 * @default false
                 */
                approval: boolean;
            };
            /** @enum {string} */
            state: "open" | "used" | "expired" | "revoked";
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            madeAt: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            expiresAt: string;
            revokedAt: string | null;
            uses: {
                key: string;
                stlink: string;
                /** @description Null: it was deleted. */
                stlinkName: string | null;
                /**
                 * Format: date-time
                 * @example 2026-01-02T03:04:05.678Z
                 */
                at: string;
                isApproved: boolean;
                confirmedAt: string | null;
            }[];
            /** @description The code. It is shown now and never again. */
            text: string;
            /** @description What its QR holds: the same, in letters and digits that make a small one. */
            qr: string;
        };
        CustomerPsk: {
            id: string;
            /** @description It is shown now and never again. */
            psk: string;
        };
        Differences: {
            /** @description Nothing of it was done. */
            isDry: boolean;
            differences: {
                /** @enum {string} */
                what: "add" | "change" | "remove";
                kind: string;
                name: string;
                fields: {
                    field: string;
                    before: unknown;
                    after: unknown;
                }[];
            }[];
        };
        /** @description A configuration by version and BLAKE2s. */
        ConfigurationState: {
            version: components["schemas"]["Version"];
            hash: string;
        };
        /** @description An STLink as lists and events have it. */
        StlinkLine: {
            /** @description Its id. */
            id: string;
            /** @description Rises with each change; the ETag. */
            version: number;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            createdAt: string;
            /** @description The name of the token, or of a part of the Commander. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            changedAt: string;
            changedBy: string;
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags: string[];
            /** @description The Profile that it is deployed by. */
            profile?: string;
            /**
             * @description The Templates assigned to it.
             * @default []
             */
            templates: string[];
            /** @enum {string} */
            state: "invited" | "waiting" | "online" | "away" | "revoked";
            key: string | null;
            /** @description Announced, and not yet in use. */
            nextKey: string | null;
            /** @description Rises with each key that takes effect. */
            keyEpoch: number;
            /** @description The code by which it got a key last. */
            codeId: string | null;
            /** @description A key that an administrator has to approve first. */
            waiting: {
                /** @description To be approved, once it is known to be that STLink's. */
                key: string;
                /** @description Compare it with what the STLink's own console shows, then approve the key. */
                fingerprint: string;
                codeId: string;
                /**
                 * Format: date-time
                 * @example 2026-01-02T03:04:05.678Z
                 */
                since: string;
            } | null;
            lastSeen: string | null;
            revokedAt: string | null;
            platform: string | null;
            board: string | null;
            firmware: string | null;
            /** @description SHA-256 of its core. */
            core: string | null;
            /** @description The key of the Connector that it is at. */
            connector: string | null;
            roundTripMs: number | null;
            bytesIn: number;
            bytesOut: number;
            /** @description Links to others that are up. */
            sessions: number;
            /** @description Connections that are open. */
            streams: number;
            /** @description Of its lease, as it told last; null: it never ends, or nothing was told. */
            leaseLeftMs: number | null;
            lastErrors: string[];
            /** @description The configuration that it has in force. */
            confirmed: components["schemas"]["ConfigurationState"] | null;
        };
        EffectiveRoute: {
            id: string;
            name: string;
            /** @enum {string} */
            type: "mapping" | "binding";
            /** @enum {string} */
            protocol: "tcp" | "udp";
            address: string;
            port: number;
            /** @description Every Template and Profile that it comes from. */
            origins: {
                /** @description Null: it is not through one. */
                profile: {
                    id: string;
                    name: string;
                } | null;
                /** @description Null: it is not through one. */
                template: {
                    id: string;
                    name: string;
                } | null;
            }[];
        };
        Pair: {
            /** @description The other STLink. */
            id: string;
            name: string;
            key: string;
            /** @description The same at both ends; two people may compare it. */
            fingerprint: string;
            /** @description The Routes of this STLink that pair the two. */
            routes: string[];
        };
        /** @description An STLink with all that is known of it. */
        StlinkDetail: {
            /** @description Its id. */
            id: string;
            /** @description Rises with each change; the ETag. */
            version: number;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            createdAt: string;
            /** @description The name of the token, or of a part of the Commander. */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            changedAt: string;
            changedBy: string;
            /** @description What you call it; unique among its kind. */
            name: string;
            /**
             * @description What it is for.
             * @default
             */
            description: string;
            /**
             * @description Its Tags.
             * @default []
             */
            tags: string[];
            /** @description The Profile that it is deployed by. */
            profile?: string;
            /**
             * @description The Templates assigned to it.
             * @default []
             */
            templates: string[];
            /** @enum {string} */
            state: "invited" | "waiting" | "online" | "away" | "revoked";
            key: string | null;
            /** @description Announced, and not yet in use. */
            nextKey: string | null;
            /** @description Rises with each key that takes effect. */
            keyEpoch: number;
            /** @description The code by which it got a key last. */
            codeId: string | null;
            /** @description A key that an administrator has to approve first. */
            waiting: {
                /** @description To be approved, once it is known to be that STLink's. */
                key: string;
                /** @description Compare it with what the STLink's own console shows, then approve the key. */
                fingerprint: string;
                codeId: string;
                /**
                 * Format: date-time
                 * @example 2026-01-02T03:04:05.678Z
                 */
                since: string;
            } | null;
            lastSeen: string | null;
            revokedAt: string | null;
            platform: string | null;
            board: string | null;
            firmware: string | null;
            /** @description SHA-256 of its core. */
            core: string | null;
            /** @description The key of the Connector that it is at. */
            connector: string | null;
            roundTripMs: number | null;
            bytesIn: number;
            bytesOut: number;
            /** @description Links to others that are up. */
            sessions: number;
            /** @description Connections that are open. */
            streams: number;
            /** @description Of its lease, as it told last; null: it never ends, or nothing was told. */
            leaseLeftMs: number | null;
            lastErrors: string[];
            /** @description The configuration that it has in force. */
            confirmed: components["schemas"]["ConfigurationState"] | null;
            /** @description The configuration that it should have in force; null: none can be made yet. */
            current: components["schemas"]["ConfigurationState"] | null;
            /** @description Its Routes, each with all that it comes from. */
            routes: components["schemas"]["EffectiveRoute"][];
            /** @description STLinks that it may talk to. */
            pairs: components["schemas"]["Pair"][];
        };
        /** @description hello: the first one. changed: an object. seen: an STLink came, went or reported. reset: events were missed, read everything again. heartbeat: nothing. */
        StreamEvent: {
            /** @constant */
            event: "hello";
            data: {
                version: components["schemas"]["Version"];
            };
        } | {
            /** @constant */
            event: "changed";
            data: {
                /** @description route, stlink, code, site, token, ... */
                kind: string;
                id: string;
                name: string;
                /** @description As in the audit log: create, change, delete, activate, ... */
                what: string;
                by: string;
                /**
                 * Format: date-time
                 * @example 2026-01-02T03:04:05.678Z
                 */
                at: string;
            };
        } | {
            /** @constant */
            event: "seen";
            data: components["schemas"]["StlinkLine"];
        } | {
            /** @constant */
            event: "reset";
            data: Record<string, never>;
        } | {
            /** @constant */
            event: "heartbeat";
            data: Record<string, never>;
        };
        Uses: {
            /** @description What refers to it: the first 100. */
            uses: components["schemas"]["User"][];
            usesCount: number;
            /** @description STLinks that have it, through Templates and Profiles: the first 500. */
            stlinks: {
                id: string;
                name: string;
                state: string;
            }[];
            stlinksCount: number;
        };
        Site: {
            /** @description Null: nobody has said yet who it is. */
            commander: {
                id: string;
                key: string;
                recoveryKey: string;
            } | null;
            connectors: {
                /** @description Its public key. */
                key: string;
                /**
                 * @description Where STLinks dial it: `host:port`.
                 * @example connector.example:443
                 */
                address: string;
                /** @description Whether the Commander has its desk now. */
                isConnected: boolean;
                /** @description The admission that it has; null: not known. */
                holds: components["schemas"]["Version"] | null;
                /** @description Whether it holds all that concerns it: codes and members, not every change. */
                isCurrent: boolean;
            }[];
            version: components["schemas"]["Version"];
            counts: {
                routes: number;
                templates: number;
                profiles: number;
                tags: number;
                customers: number;
                /** @description By state. */
                stlinks: {
                    [key: string]: number;
                };
            };
            /** @description STLinks that hold a newer version than this database: it is an old one, and has to be restored properly. */
            newerStlinks: number;
            control: {
                /** @description Whether the Commander's STLink runs. */
                isRunning: boolean;
            };
        };
        Token: {
            id: string;
            name: string;
            /** @enum {string} */
            role: "viewer" | "operator" | "admin";
            /** @enum {string} */
            state: "valid" | "expired" | "revoked";
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            madeAt: string;
            madeBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            expiresAt: string;
            revokedAt: string | null;
        };
        MadeToken: {
            id: string;
            name: string;
            /** @enum {string} */
            role: "viewer" | "operator" | "admin";
            /** @enum {string} */
            state: "valid" | "expired" | "revoked";
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            madeAt: string;
            madeBy: string;
            /**
             * Format: date-time
             * @example 2026-01-02T03:04:05.678Z
             */
            expiresAt: string;
            revokedAt: string | null;
            /** @description Its text. It is shown now and never again. */
            token: string;
        };
        RoutePage: {
            items: components["schemas"]["Route"][];
            /** @description The cursor of the next page; null: this is the last. */
            next: string | null;
        };
        TemplatePage: {
            items: components["schemas"]["Template"][];
            /** @description The cursor of the next page; null: this is the last. */
            next: string | null;
        };
        ProfilePage: {
            items: components["schemas"]["Profile"][];
            /** @description The cursor of the next page; null: this is the last. */
            next: string | null;
        };
        StlinkPage: {
            items: components["schemas"]["StlinkLine"][];
            /** @description The cursor of the next page; null: this is the last. */
            next: string | null;
        };
        TagPage: {
            items: components["schemas"]["Tag"][];
            /** @description The cursor of the next page; null: this is the last. */
            next: string | null;
        };
        CustomerPage: {
            items: components["schemas"]["Customer"][];
            /** @description The cursor of the next page; null: this is the last. */
            next: string | null;
        };
        CodePage: {
            items: components["schemas"]["Code"][];
            /** @description The cursor of the next page; null: this is the last. */
            next: string | null;
        };
        AuditPage: {
            items: components["schemas"]["AuditRow"][];
            /** @description The cursor of the next page; null: this is the last. */
            next: string | null;
        };
        TokenPage: {
            items: components["schemas"]["Token"][];
            /** @description The cursor of the next page; null: this is the last. */
            next: string | null;
        };
    };
    responses: {
        /** @description BadRequest: The request is no HTTP or no JSON as it should be. */
        Refused400: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description NotAuthenticated: There is no token, or it is unknown, expired or revoked. */
        Refused401: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description NotAllowed: The token's role does not allow this. */
        Refused403: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /**
         * @description NotFound: There is no such object.
         *
         *     NoSuchPath: The API has no such path.
         */
        Refused404: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description NoSuchMethod: The path has other methods. */
        Refused405: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description TooSlow: The request did not come whole in time. */
        Refused408: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /**
         * @description NeedsConfirmation: It is allowed once its owner has said that it is meant.
         *
         *     Taken: Another object of this kind has that name, or another STLink that key.
         *
         *     InUse: It can't be deleted: others use it. They are listed.
         *
         *     NotNow: The object's state doesn't allow it.
         */
        Refused409: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description Stale: Somebody has changed the object since it was read. */
        Refused412: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description TooLong: The body is longer than this operation takes. */
        Refused413: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description WrongMedia: The body is of another type than this operation takes. */
        Refused415: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description WrongHost: The Host header names another host. */
        Refused421: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /**
         * @description Invalid: A field is missing, or can't be so.
         *
         *     TooLarge: It is more than a configuration can carry.
         */
        Refused422: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description MatchNeeded: If-Match is missing: the version that was read. */
        Refused428: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description TooMany: Too many requests: wait as Retry-After says. */
        Refused429: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description HeadersTooLong: The request's headers are too long. */
        Refused431: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description Internal: A fault of the Commander's own. It is in its log. */
        Refused500: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /**
         * @description StoreLocked: Another process holds the database.
         *
         *     StoreDamaged: The database is damaged.
         *
         *     StoreNewer: The database is of a newer Commander.
         *
         *     StoreUnusable: The database can't be read or written, or is not ours.
         */
        Refused503: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description StoreFull: The database's disk is full. */
        Refused507: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listRoutes: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the page before; absent: the first page. */
                cursor?: string;
                /** @description Its name, in any case of letters. */
                name?: string;
                /** @description Beginnings of words in name, description, address or help. */
                text?: string;
                /** @description The id or name of a Tag that it has; several: it has all of them. */
                tag?: string[];
                /** @description Of this type alone. */
                type?: "mapping" | "binding";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoutePage"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    createRoute: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A word that the client chooses anew for each request: sent again within a day it gets the first answer, and nothing is made twice.
                 * @example f3b1c2d4
                 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRoute"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Route"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    getRoute: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Route"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    replaceRoute: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRoute"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Route"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    deleteRoute: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    changeRoute: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RoutePatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Route"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    listRouteUses: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uses"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    listTemplates: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the page before; absent: the first page. */
                cursor?: string;
                /** @description Its name, in any case of letters. */
                name?: string;
                /** @description Beginnings of words in name, description, address or help. */
                text?: string;
                /** @description The id or name of a Tag that it has; several: it has all of them. */
                tag?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TemplatePage"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    createTemplate: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A word that the client chooses anew for each request: sent again within a day it gets the first answer, and nothing is made twice.
                 * @example f3b1c2d4
                 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTemplate"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Template"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    getTemplate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Template"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    replaceTemplate: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTemplate"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Template"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    deleteTemplate: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    changeTemplate: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TemplatePatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Template"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    listTemplateUses: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uses"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    listProfiles: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the page before; absent: the first page. */
                cursor?: string;
                /** @description Its name, in any case of letters. */
                name?: string;
                /** @description Beginnings of words in name, description, address or help. */
                text?: string;
                /** @description The id or name of a Tag that it has; several: it has all of them. */
                tag?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProfilePage"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    createProfile: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A word that the client chooses anew for each request: sent again within a day it gets the first answer, and nothing is made twice.
                 * @example f3b1c2d4
                 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewProfile"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Profile"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    getProfile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Profile"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    replaceProfile: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewProfile"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Profile"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    deleteProfile: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    changeProfile: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProfilePatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Profile"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    listProfileUses: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uses"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    listStlinks: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the page before; absent: the first page. */
                cursor?: string;
                /** @description Its name, in any case of letters. */
                name?: string;
                /** @description Beginnings of words in name, description, address or help. */
                text?: string;
                /** @description The id or name of a Tag that it has; several: it has all of them. */
                tag?: string[];
                /** @description In this state alone. */
                state?: "invited" | "waiting" | "online" | "away" | "revoked";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StlinkPage"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    createStlink: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A word that the client chooses anew for each request: sent again within a day it gets the first answer, and nothing is made twice.
                 * @example f3b1c2d4
                 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewStlink"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StlinkDetail"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    getStlink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StlinkDetail"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    replaceStlink: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewStlink"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StlinkDetail"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    deleteStlink: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    changeStlink: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StlinkPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StlinkDetail"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    revokeStlink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StlinkDetail"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    rotateStlink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StlinkDetail"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    approveStlink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Approval"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StlinkDetail"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    makeStlinkCode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewCode"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    tagStlink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TagsChange"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StlinkDetail"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    listTags: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the page before; absent: the first page. */
                cursor?: string;
                /** @description Its name, in any case of letters. */
                name?: string;
                /** @description Beginnings of words in name, description, address or help. */
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagPage"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    createTag: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A word that the client chooses anew for each request: sent again within a day it gets the first answer, and nothing is made twice.
                 * @example f3b1c2d4
                 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTag"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tag"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    getTag: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tag"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    replaceTag: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTag"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tag"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    deleteTag: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    changeTag: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TagPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tag"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    listTagUses: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uses"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    listCustomers: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the page before; absent: the first page. */
                cursor?: string;
                /** @description Its name, in any case of letters. */
                name?: string;
                /** @description Beginnings of words in name, description, address or help. */
                text?: string;
                /** @description The id or name of a Tag that it has; several: it has all of them. */
                tag?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerPage"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    createCustomer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A word that the client chooses anew for each request: sent again within a day it gets the first answer, and nothing is made twice.
                 * @example f3b1c2d4
                 */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewCustomer"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Customer"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    getCustomer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Customer"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    replaceCustomer: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewCustomer"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Customer"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    deleteCustomer: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    changeCustomer: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CustomerPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Customer"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    makeCustomerPsk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerPsk"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    makeProfileCode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id: 32 hexadecimal digits. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewCode"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            409: components["responses"]["Refused409"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    listCodes: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the page before; absent: the first page. */
                cursor?: string;
                /** @description Of this Profile alone. */
                profile?: string;
                /** @description For this STLink alone. */
                stlink?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CodePage"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    getCode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The code's id.
                 * @example 7d793037a0760186
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Code"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    revokeCode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The code's id.
                 * @example 7d793037a0760186
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Code"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    getSite: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Site"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    replaceSite: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read: its version in quotation marks.
                 * @example "3"
                 */
                "if-match": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSite"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description For If-Match of the next change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Site"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            412: components["responses"]["Refused412"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            428: components["responses"]["Refused428"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    exportDocument: {
        parameters: {
            query?: {
                /** @description How it is written. */
                format?: "json" | "toml";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document; what is a default is left out. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Document"];
                    "application/toml": string;
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    importDocument: {
        parameters: {
            query?: {
                /** @description Show the difference, and change nothing. */
                dry?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Document"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Differences"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    listAudit: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the page before; absent: the first page. */
                cursor?: string;
                /** @description Of the object with this id alone. */
                object?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    verifyAudit: {
        parameters: {
            query?: {
                n?: number;
                /** @description With `n`: a head that was noted before. */
                hash?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditVerdict"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    backUp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Backup"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    listTokens: {
        parameters: {
            query?: {
                /** @description How many at most. */
                limit?: number;
                /** @description `next` of the page before; absent: the first page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPage"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewToken"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MadeToken"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            408: components["responses"]["Refused408"];
            409: components["responses"]["Refused409"];
            413: components["responses"]["Refused413"];
            415: components["responses"]["Refused415"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    revokeToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            404: components["responses"]["Refused404"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
            507: components["responses"]["Refused507"];
        };
    };
    whoami: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
    streamEvents: {
        parameters: {
            query?: never;
            header?: {
                /** @description The id of the last event before: what was missed comes, or `reset`. */
                "last-event-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events, without end. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["StreamEvent"];
                };
            };
            400: components["responses"]["Refused400"];
            401: components["responses"]["Refused401"];
            403: components["responses"]["Refused403"];
            421: components["responses"]["Refused421"];
            422: components["responses"]["Refused422"];
            429: components["responses"]["Refused429"];
            431: components["responses"]["Refused431"];
            500: components["responses"]["Refused500"];
            503: components["responses"]["Refused503"];
        };
    };
}
